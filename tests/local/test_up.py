"""`up`: everything starts, comes back when it dies, and ends as one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from redis import Redis

from bot.local.bootstrap import ROOT, tool_environment
from bot.local.claim import holders
from bot.local.environment import read
from bot.scratch import scratch_folder
from tests.fixtures.stacks import Stack, start_stack, stop_stack
from tests.local.ports import answers
from tests.local.waiting import wait_until

PARTS = (
    "valkey",
    "simulator",
    "app:app",
    "inbound",
    "outbound",
    "uploads",
    "notices",
    "workers.clock",
)


def up(var: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `up` to its end."""
    environment = tool_environment() | {"PAKKA_VAR": str(var)} | settings
    command = [sys.executable, "-m", "bot.local.supervisor"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_everything_runs_and_the_console_and_the_phones_answer(stack: Stack) -> None:
    assert all(stack.pid(part) for part in PARTS)
    assert answers(f"{stack.console}/readyz")
    assert answers(stack.phones)


def test_the_tests_of_the_stack_share_it(stack: Stack, request: pytest.FixtureRequest) -> None:
    in_parallel = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@stack") == in_parallel, "each worker has started a stack of its own"


def test_a_second_start_in_the_folder_says_where_the_first_one_is(stack: Stack) -> None:
    second = up(stack.var)
    assert second.returncode == 1
    assert second.stdout == f"[up] Pakka already runs in this folder: {stack.console} (process {stack.process.pid}).\n"


@pytest.mark.parametrize("part", PARTS)
def test_a_program_that_is_killed_comes_back(stack: Stack, part: str) -> None:
    killed = stack.pid(part)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(killed) and stack.has(part), seconds=20)
    wait_until(lambda: answers(f"{stack.console}/readyz"), seconds=30)


def test_kill_9_leaves_nothing_and_a_second_start_keeps_the_data() -> None:
    with TemporaryDirectory(prefix="pakka-up-", dir=scratch_folder()) as folder:
        var = Path(folder)
        first = start_stack(var)
        secret = read(var / "local.env")["SECRET_KEY"]
        with Redis.from_url(first.settings["REDIS_URL"]) as client:
            client.set("kept", "yes")
            client.execute_command("WAITAOF", 1, 0, 5000)
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not holders(var / "programs.lock"), seconds=20)
        (var / "up.log").unlink()
        second = start_stack(var)
        assert second.settings["SECRET_KEY"] == secret
        with Redis.from_url(second.settings["REDIS_URL"]) as client:
            assert client.get("kept") == b"yes"
        stop_stack(second)
        assert not holders(var / "programs.lock")


def test_a_start_that_cannot_go_on_says_why_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    for settings, words in (
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"REDIS_URL": "unix:///nowhere/redis.sock"}, "no server answers at unix:///nowhere/redis.sock"),
        ({"DATABASE_URL": "mysql://db/pakka"}, "DATABASE_URL"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
    ):
        ended = up(tmp_path, **settings)
        assert ended.returncode == 1
        assert words in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr
        assert not holders(tmp_path / "programs.lock")
