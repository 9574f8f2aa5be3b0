"""What `python3 app.py up` becomes: everything Pakka needs, started in order on one machine and ended together.

Front-end files, Redis and the WhatsApp simulator, database schema, web server and demo, then the Procfile's other
processes. Whatever dies is started again; Ctrl-C ends all, and so does `kill -9` of this process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.local import assets, copies, environment, redis
from bot.local.bootstrap import ROOT, SetupError, tool_environment
from bot.local.claim import Claim
from bot.local.crew import Crew, CrewError, Program, read_procfile, say

_OWN_REDIS_SECONDS = 15.0
_GIVEN_REDIS_SECONDS = 3.0
_CONSOLE_SECONDS = 120.0
_REDIS = "redis"


def main() -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP and return 0; return 1 with one line when something cannot go on."""
    var = environment.data_folder()
    try:
        claim = Claim(var)
        settings = environment.compose(environment.operators_own(os.environ), var)
        assets.prepare()
        asyncio.run(_run(claim, settings, var))
    except (SetupError, CrewError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        # Before the programs had begun.
        return 0
    return 0


async def _run(claim: Claim, settings: environment.Settings, var: Path) -> None:
    values = tool_environment() | {"PAKKA_VAR": str(var)} | settings.values
    crew = Crew(values, inherited=[claim.programs.fileno()])
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, crew.stop)
    loop.add_signal_handler(signal.SIGTERM, crew.stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # A closed terminal ends all, too; under nohup it must stay without effect.
        loop.add_signal_handler(signal.SIGHUP, crew.stop)
    try:
        await crew.work(_start(crew, claim, settings, values, var))
    finally:
        # Redis last, so that the workers can say goodbye.
        await crew.end(last=_REDIS)
        say("Stopped. Nothing is lost; start again with: python3 app.py up")


async def _start(crew: Crew, claim: Claim, settings: environment.Settings, values: dict[str, str], var: Path) -> None:
    claim.announce(console=settings.console, phones=settings.phones)
    if settings.own_redis:
        (var / "redis").mkdir(exist_ok=True)
        crew.begin(Program(_REDIS, redis.command(redis.find_server(), var / "redis", keep=True)))
    copies.prepare(values)
    if settings.simulator_port:
        crew.begin(_simulator(settings, var))
    seconds = _OWN_REDIS_SECONDS if settings.own_redis else _GIVEN_REDIS_SECONDS
    await _answering("Redis", lambda: _redis_answers(settings.values["REDIS_URL"]), seconds)
    say("Bringing the database to the newest schema")
    await crew.once(Program("migration", ["python", "-m", "bot.database", "upgrade"]))
    programs = {program.name: program for program in read_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))}
    # It takes longest to start and does nothing by itself, so it need not wait for the demo as the workers do.
    crew.begin(programs.pop("web"))
    told: list[str] = []
    if settings.simulator_port:
        await _answering("The simulator", lambda: _listens(settings, settings.simulator_port), _CONSOLE_SECONDS)
        # The demo submits its templates to the simulator, as a shop does to Meta.
        say("Preparing the demo")
        told = await crew.once(Program("demo", ["python", "-m", "bot.demo"]))
    for program in programs.values():
        crew.begin(program)
    await _answering("The console", lambda: _is_ready(settings), _CONSOLE_SECONDS)
    say("")
    say(f"Pakka is ready.   console: {settings.console}")
    if settings.phones:
        say(f"                   phones: {settings.phones}   (a WhatsApp simulator; nothing leaves this machine)")
    for line in told:
        say(f"                  {line}")
    say(f"Ctrl-C ends it; data stay in {var}")
    say("")


def _simulator(settings: environment.Settings, var: Path) -> Program:
    values = settings.values
    command = [
        *("python", "-m", "bot.simulator", "--host", settings.host, "--port", str(settings.simulator_port)),
        *("--webhook-url", f"{settings.console}/webhooks/whatsapp"),
        *("--phone-number-id", values["WHATSAPP_PHONE_NUMBER_ID"]),
        *("--waba-id", values["WHATSAPP_BUSINESS_ACCOUNT_ID"]),
        *("--state", str(var / "simulator.json")),
    ]
    # Secrets go by the environment: every user of the machine can read command lines.
    names = ("APP_SECRET", "VERIFY_TOKEN", "TOKEN")
    return Program("simulator", command, {f"SIMULATOR_{name}": values[f"WHATSAPP_{name}"] for name in names})


async def _answering(what: str, ask: Callable[[], Awaitable[str | None]], seconds: float) -> None:
    """Wait until `ask` returns None; CrewError with its last complaint when the time is over."""
    end = asyncio.get_running_loop().time() + seconds
    while complaint := await ask():
        if asyncio.get_running_loop().time() > end:
            raise CrewError(f"{what} is not ready after {seconds:.0f} s: {complaint}")
        await asyncio.sleep(0.1)


async def _redis_answers(url: str) -> str | None:
    return None if redis.answers(url) else f"no server answers at {url}"


async def _listens(settings: environment.Settings, port: int | None) -> str | None:
    """Connect to a port of ours; None means somebody listens."""
    try:
        _reader, writer = await asyncio.open_connection(_own_host(settings), port)
        writer.close()
    except OSError as error:
        return str(error)
    return None


def _own_host(settings: environment.Settings) -> str:
    return "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - compared, not bound


async def _is_ready(settings: environment.Settings) -> str | None:
    """Ask the console; None means that it and all it needs are there."""
    try:
        reader, writer = await asyncio.open_connection(_own_host(settings), settings.port)
        writer.write(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(4000), timeout=10)
        writer.close()
    except (OSError, TimeoutError) as error:
        return str(error) or "no answer in ten seconds"
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    status = head.partition("\r\n")[0]
    return None if " 200 " in status else f"{status} {body}"


if __name__ == "__main__":
    sys.exit(main())
