"""Run programs side by side, start again what dies, and end all of them together.

The whole of it is one thread: a parent-death signal is bound to the thread that started the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.local.copies import Copy
from bot.local.lifeline import tied

# A program that ran this long had started well: its crash is a new story.
STEADY_SECONDS = 10.0
MOST_CRASHES = 5
# Longer than the ten seconds that the web server and a worker's job may need to end by themselves.
END_SECONDS = 15.0

_COLOURS = (36, 33, 32, 35, 34, 31)


class CrewError(Exception):
    """The programs cannot go on; the text says which one and why."""


@dataclass(frozen=True)
class Program:
    """A name for the log, a command (a list, or one simple command of a Procfile), and what only it is told."""

    name: str
    command: Sequence[str] | str
    environment: Mapping[str, str] = field(default_factory=dict)

    def words(self, environment: Mapping[str, str]) -> list[str]:
        """Return what is executed, as the shell reads it."""
        if not isinstance(self.command, str):
            return list(self.command)
        if not self.command.startswith("python -m "):
            # The shell is replaced by the program, so that signals reach it.
            return ["/bin/sh", "-c", f"exec {self.command}"]
        printed = subprocess.check_output(
            ["/bin/sh", "-c", f"printf '%s\\0' {self.command}"], env=environment, text=True
        )
        return printed.split("\0")[:-1]


class _Child:
    """A program while it runs, and how it ended once it has."""

    def __init__(self, process: Copy | subprocess.Popen[bytes]) -> None:
        self.process = process
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()


class Crew:
    """Programs that share an environment and a fate."""

    def __init__(self, environment: Mapping[str, str], inherited: Sequence[int] = ()) -> None:
        """Prepare inside a running event loop; `inherited` are file descriptors that every program keeps open."""
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._inherited = tuple(inherited)
        self._over: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        self._running: dict[str, _Child] = {}
        self._tended: dict[str, asyncio.Task[None]] = {}
        self._colour = sys.stdout.isatty()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look)

    def stop(self) -> None:
        """Ask everything to end; asked again, end it by force."""
        if self._over.done():
            self._hurry.set()
        else:
            say("Stopping...")
            self._over.set_result(None)

    def begin(self, program: Program) -> None:
        """Start a program and keep it running."""
        self._tended[program.name] = asyncio.create_task(self._tend(program))

    async def once(self, program: Program) -> list[str]:
        """Run a program to its end and return its last lines; raise CrewError when it fails."""
        lines: list[str] = []
        code = await self._run(program, lines.append)
        if code and not self._over.done():
            print("\n".join(lines), file=sys.stderr, flush=True)
            raise CrewError(f"{program.name} failed ({_fate(code)}).")
        return lines

    async def work(self, start: Coroutine[None, None, None]) -> None:
        """Carry out `start`, then wait until `stop` is called; raise CrewError when a program gives up."""
        starting = asyncio.create_task(start)
        either: set[asyncio.Future[Any]] = {starting, self._over}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        reason = await self._over
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        if reason:
            raise CrewError(reason)

    async def end(self, last: str) -> None:
        """End every program, the one named `last` after all others, by force when they take too long."""
        if not self._over.done():
            self._over.set_result(None)
        hurried = asyncio.create_task(self._hurry.wait())
        for names in (self._tended.keys() - {last}, self._tended.keys() & {last}):
            for name in names & self._running.keys():
                _signal(self._running[name].process.pid, signal.SIGTERM)
            ended = asyncio.create_task(_all(self._tended[name] for name in names))
            await asyncio.wait({hurried, ended}, timeout=END_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for name in names & self._running.keys():
                _signal_group(self._running[name].process.pid, signal.SIGKILL)
            await ended
        hurried.cancel()

    async def _tend(self, program: Program) -> None:
        crashes = 0
        while not self._over.done():
            begin = time.monotonic()
            code = await self._run(program, lambda line: self._show(program.name, line))
            if self._over.done():
                return
            if code == -signal.SIGKILL:
                # Not its own failure: somebody, or the kernel for want of memory, killed it.
                pause = 0.2
            else:
                crashes = 1 if time.monotonic() - begin >= STEADY_SECONDS else crashes + 1
                if crashes >= MOST_CRASHES:
                    self._over.set_result(f"{program.name} does not keep running ({_fate(code)} at last).")
                    return
                pause = 0.25 * 2 ** (crashes - 1)
            say(f"{program.name} ended ({_fate(code)}); starting it again")
            await asyncio.wait({self._over}, timeout=pause)

    async def _run(self, program: Program, show: Callable[[str], None]) -> int:
        """Run a program once and return its exit code, negative for a signal."""
        environment = {**self._environment, **program.environment}
        reading, writing = os.pipe()
        try:
            child = _Child(self._start(program.words(environment), environment, writing))
        finally:
            os.close(writing)
        copying = asyncio.create_task(_copy(reading, show))
        self._running[program.name] = child
        if self._over.done():
            _signal(child.process.pid, signal.SIGTERM)
        self._look()
        try:
            code = await child.ended
        finally:
            # What the program started must not outlive it: it would hold the port that the next one needs.
            _signal_group(child.process.pid, signal.SIGKILL)
            del self._running[program.name]
            await asyncio.wait({copying}, timeout=1)
            copying.cancel()
        return code

    def _start(self, words: list[str], environment: Mapping[str, str], output: int) -> Copy | subprocess.Popen[bytes]:
        """Start a program in a group of its own: Ctrl-C reaches the supervisor alone, which ends all in order."""
        if words[:2] == ["python", "-m"]:
            return Copy(words[2], words[3:], environment, output, self._inherited)
        return subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=self._inherited,
            preexec_fn=tied(signal.SIGTERM),
        )

    def _look(self) -> None:
        """See who has ended; the system tells of several ends at once."""
        for child in self._running.values():
            code = child.process.poll()
            if code is not None and not child.ended.done():
                child.ended.set_result(code)

    def _show(self, name: str, line: str) -> None:
        label = f"{name:<9}|"
        if self._colour:
            label = f"\x1b[{_COLOURS[sum(name.encode()) % len(_COLOURS)]}m{label}\x1b[0m"
        _print(f"{label} {line}")


def read_procfile(text: str) -> list[Program]:
    """Return the programs of a Procfile without its release line, which is a step and not a process."""
    found = re.findall(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*)$", text, re.M)
    return [Program(name, command.strip()) for name, command in found if name != "release"]


def say(text: str) -> None:
    """Print a line of the supervisor's own."""
    _print(f"[up] {text}")


def _print(line: str) -> None:
    # A reader that went away must not take the programs with it.
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def _copy(source: int, show: Callable[[str], None]) -> None:
    """Show whole lines of any length, and what is left at the end."""
    loop, stream = asyncio.get_running_loop(), asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(source, "rb", 0))
    try:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                show(line.decode("utf-8", "replace"))
        if rest:
            show(rest.decode("utf-8", "replace"))
    finally:
        pipe.close()


async def _all(tasks: Iterable[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _fate(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
