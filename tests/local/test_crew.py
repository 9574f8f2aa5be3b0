"""Programs that run side by side: what dies comes back, and all end together."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from bot.local.crew import Program, read_procfile
from tests.local.waiting import wait_until

# Each program notes its process id, so that a test can find it.
SLEEPER = "base: sh -c 'echo $$ >> base.pids; exec sleep 300'\n"
WEB = {
    "command": "web: sh -c 'echo $$ >> web.pids; exec sleep 300'\n",
    "copy": "web: python -m tests.local.sleeper web.pids\n",
}
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a crew from the text of a Procfile, in the test's folder."""
    started = []

    def begin(procfile: str) -> subprocess.Popen[str]:
        (tmp_path / "Procfile").write_text(procfile)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.local.run_crew", "Procfile"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def pids(tmp_path: Path) -> Callable[[str], list[int]]:
    """Return the process ids that a program has noted, oldest first."""

    def read(name: str) -> list[int]:
        path = tmp_path / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    return read


Pids = Callable[[str], list[int]]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("kind", WEB)
def test_kill_9_of_the_parent_ends_every_program(start: Start, pids: Pids, kind: str) -> None:
    parent = start(SLEEPER + WEB[kind])
    wait_until(lambda: pids("base") and pids("web"))
    parent.kill()
    wait_until(lambda: not any(map(alive, pids("base") + pids("web"))))


@pytest.mark.parametrize("kind", WEB)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_programs_and_the_exit_code_is_zero(
    start: Start, pids: Pids, number: signal.Signals, kind: str
) -> None:
    parent = start(SLEEPER + WEB[kind])
    wait_until(lambda: pids("base") and pids("web"))
    parent.send_signal(number)
    parent.communicate(timeout=10)
    assert parent.returncode == 0
    assert not any(map(alive, pids("base") + pids("web")))


def test_the_last_program_ends_after_the_others_have_said_goodbye(start: Start, pids: Pids) -> None:
    goodbye = "trap 'kill -0 $(cat base.pids) && echo base is still there; exit 0' TERM"
    parent = start(SLEEPER + f'worker: sh -c "{goodbye}; echo \\$\\$ >> worker.pids; while :; do sleep 0.05; done"\n')
    wait_until(lambda: pids("base") and pids("worker"))
    parent.terminate()
    output, _ = parent.communicate(timeout=10)
    assert "base is still there" in output


@pytest.mark.parametrize("kind", WEB)
def test_a_program_that_is_killed_is_started_again_every_time(start: Start, pids: Pids, kind: str) -> None:
    def noted(number: int) -> bool:
        return len(pids("web")) == number

    start(WEB[kind])
    for times in range(1, 9):
        wait_until(partial(noted, times))
        os.kill(pids("web")[-1], signal.SIGKILL)
    wait_until(lambda: len(pids("web")) == 9)


def test_a_copy_is_as_if_it_had_been_started_alone(start: Start, tmp_path: Path) -> None:
    start("base: python -m tests.local.told told.json '$HOME' ${NOWHERE:-two words} \"$PWD\"\n")
    wait_until((tmp_path / "told.json").exists)
    told = json.loads((tmp_path / "told.json").read_text())
    words = ["told.json", "$HOME", "two", "words", str(tmp_path)]
    assert told["arguments"] == words
    assert told["title"] == " ".join(["python", "-m", "tests.local.told", *words])
    assert told["name"] == "__main__"
    assert told["files"] == [0, 1, 2]
    assert told["leader"]
    assert told["blocked"] == []
    assert told["handled"] == ["SIGINT"]


def test_a_copy_carries_out_what_it_registered_for_its_end(start: Start, tmp_path: Path) -> None:
    parent = start("base: python -m tests.local.told told.json\n")
    wait_until((tmp_path / "told.json").exists)
    parent.terminate()
    output, _ = parent.communicate(timeout=10)
    assert "base     | goodbye" in output


def test_a_copy_that_cannot_go_on_is_shown_as_any_other_program(start: Start) -> None:
    parent = start("base: python -m tests.local.told\n")
    assert parent.stdout is not None
    assert parent.stdout.readline() == "base     | no file was named\n"
    assert parent.stdout.readline() == "[up] base ended (exit code 1); starting it again\n"


def test_nothing_of_a_dead_program_is_left_when_it_is_started_again(start: Start, pids: Pids) -> None:
    start("web: sh -c 'sleep 300 & echo $! $$ >> web.pids; wait'\n")
    wait_until(lambda: len(pids("web")) == 2)
    child, leader = pids("web")
    os.kill(leader, signal.SIGKILL)
    wait_until(lambda: len(pids("web")) == 4)
    assert not alive(child)


def test_a_program_that_never_runs_ends_everything_with_one_clear_line(start: Start, pids: Pids) -> None:
    parent = start(SLEEPER + "web: sh -c 'echo cannot bind; exit 3'\n")
    output, _ = parent.communicate(timeout=30)
    assert parent.returncode == 1
    assert output.count("cannot bind") == 5
    assert output.rstrip().endswith("web does not keep running (exit code 3 at last).")
    assert not any(map(alive, pids("base")))


def test_a_second_ctrl_c_does_not_wait(start: Start, pids: Pids) -> None:
    parent = start("""base: sh -c "trap '' TERM; echo \\$\\$ >> base.pids; while :; do sleep 0.05; done"\n""")
    wait_until(lambda: pids("base"))
    parent.send_signal(signal.SIGINT)
    assert parent.stdout is not None
    assert "Stopping" in parent.stdout.readline()
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=5)
    assert parent.returncode == 0
    assert not any(map(alive, pids("base")))


def test_lines_of_any_length_are_shown_whole_under_the_name_of_their_program(start: Start) -> None:
    parent = start(f"""base: {sys.executable} -c "import time; print('x' * 300000); time.sleep(300)"\n""")
    assert parent.stdout is not None
    assert parent.stdout.readline() == "base     | " + "x" * 300000 + "\n"


def test_a_procfile_is_read_without_its_release_line() -> None:
    text = "release: migrate\n# remark\n\nweb:   gunicorn  app:app  \nworker-2: python -m workers\n"
    assert read_procfile(text) == [Program("web", "gunicorn  app:app"), Program("worker-2", "python -m workers")]
