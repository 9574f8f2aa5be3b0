"""The state file: a second start finds the chats of the first, whatever happened to it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.simulator.conftest import ASHA, Sim, start

HELLO = {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}}


def children(process: subprocess.Popen[str]) -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_start_keeps_chats_phones_media_and_what_was_planned(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    process, url = start("--state", str(file))
    sim = Sim(url)
    sim.patch("/app", {"webhook_url": "http://127.0.0.1:9/nobody"})
    sim.freeze()
    sim.post("/phones", {"phone": ASHA, "name": "आशा"})
    sim.act("image", caption="gate")
    planned = sim.sent(HELLO, biz_opaque_callback_data="o:1")
    before = sim.get(f"/phones/{ASHA}/chat?all=1")["messages"]
    process.terminate()
    assert process.wait(10) == 0
    process, url = start("--state", str(file))
    sim = Sim(url)
    assert sim.get(f"/phones/{ASHA}/chat?all=1")["messages"] == before
    assert sim.get(f"/phones/{ASHA}")["name"] == "आशा"
    assert sim.http.get(url + before[0]["media"]["url"], timeout=10).content[:3] == b"\xff\xd8\xff"
    sim.advance(10)
    assert sim.line(planned)["status"] == "delivered"
    assert len(sim.get("/webhooks?state=waiting")["webhooks"]) >= 1, "the photo is still being repeated"
    assert sim.send(biz_opaque_callback_data="o:2").json()["messages"][0]["id"] != planned
    process.terminate()
    process.wait(10)


def test_killing_the_simulator_hard_loses_at_most_the_last_moments_and_leaves_no_process(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    process, url = start("--state", str(file))
    Sim(url).act("text", text="remember me")
    deadline = time.monotonic() + 20
    while not file.exists() or "remember me" not in file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    workers = children(process)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline + 10, "the worker outlived its parent"
        time.sleep(0.05)
    json.loads(file.read_text())
    process, url = start("--state", str(file))
    assert Sim(url).get(f"/phones/{ASHA}/chat")["messages"][0]["text"] == "remember me"
    process.terminate()
    process.wait(10)


def test_an_exported_state_can_be_put_into_another_simulator(sim: Sim) -> None:
    sim.patch("/settings", {"status_scale": 0})
    sim.act("text", text="hi")
    wamid = sim.sent(HELLO)
    sim.idle()
    state = sim.get("/state")
    sim.post("/reset")
    assert sim.get("/phones")["phones"] == []
    sim.call("PUT", "/state", state)
    assert sim.statuses(wamid) == ["sent", "delivered"]
    assert sim.get(f"/phones/{ASHA}/chat")["messages"][0]["text"] == "hi"


def test_a_file_that_is_no_state_is_moved_aside_and_named(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    file.write_text('{"format": 1, "half')
    command = [sys.executable, "-m", "bot.simulator", "--port", "0", "--state", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert "was moved to" in process.stdout.readline()
        assert process.stdout.readline().startswith("Simulator listening on ")
        process.terminate()
    assert (tmp_path / "simulator.json.unreadable").read_text().endswith("half")


def test_a_wrong_option_or_a_taken_port_is_one_clear_line(sim: Sim) -> None:
    port = sim.url.rpartition(":")[2]
    for option, words in ((port, f"Cannot listen on 127.0.0.1:{port}"), ("x", "invalid int value: 'x'")):
        done = subprocess.run(
            [sys.executable, "-m", "bot.simulator"], env={**os.environ, "SIMULATOR_PORT": option},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert words in done.stderr
        assert "Traceback" not in done.stderr
