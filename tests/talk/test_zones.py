"""A shopper's time zone by their number: what the library says of each number, without asking it each time."""

import phonenumbers
import pytest
from phonenumbers import timezone as phone_zones

from bot.talk.contacts import zone_of_phone

MOBILE = phonenumbers.PhoneNumberType.MOBILE


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_numbers_of_every_country_have_the_zone_that_the_library_knows(region: str) -> None:
    for kind in (MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        zones = phone_zones.time_zones_for_number(number)
        known = zones[0] if len(zones) == 1 and zones[0] != phone_zones.UNKNOWN_TIMEZONE else "Asia/Kolkata"
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert zone_of_phone(written, "Asia/Kolkata").key == known, (written, zones)
