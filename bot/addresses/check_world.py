from bot.addresses.records import Address, Report
def check_world(address: Address, country: str) -> Report:
    return Report((), (), 100, "ok")
