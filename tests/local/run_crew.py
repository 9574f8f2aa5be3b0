"""Run the programs of a Procfile as `up` does, without anything that is Pakka's."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.local.crew import Crew, CrewError, read_procfile


async def run(procfile: Path) -> None:
    """Begin all programs and keep them until SIGTERM or SIGINT."""
    crew = Crew(os.environ)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, crew.stop)

    async def start() -> None:
        for program in read_procfile(procfile.read_text()):
            crew.begin(program)

    try:
        await crew.work(start())
    finally:
        await crew.end(last="base")


if __name__ == "__main__":
    try:
        asyncio.run(run(Path(sys.argv[1])))
    except CrewError as error:
        sys.exit(str(error))
