"""The settings of `up`: the operator's own, and made-up ones that stay the same."""

import socket
import stat
from pathlib import Path

import pytest
from redis import Redis

from bot.local import redis
from bot.local.bootstrap import SetupError
from bot.local.environment import compose, read, write_secret


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    first, second = compose({}, tmp_path), compose({}, tmp_path)
    for name in ("SECRET_KEY", "WHATSAPP_APP_SECRET", "WHATSAPP_TOKEN", "WHATSAPP_VERIFY_TOKEN", "DEMO_PASSWORD"):
        assert len(first.values[name]) >= 20
        assert first.values[name] == second.values[name]
    assert stat.S_IMODE((tmp_path / "local.env").stat().st_mode) == 0o600
    assert read(tmp_path / "local.env") == second.values


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "ein Ordner\\mit 'allem', ä und 100 %"
    folder.mkdir()
    first = compose({}, folder)
    assert read(folder / "local.env") == first.values
    client = Redis.from_url(redis.url(Path("/srv/100 % ä?")))
    assert client.connection_pool.connection_kwargs["path"] == "/srv/100 % ä?/redis.sock"


def test_an_operators_own_value_wins_and_is_not_copied(tmp_path: Path) -> None:
    compose({}, tmp_path)
    own = {"SECRET_KEY": "k" * 40, "DATABASE_URL": "postgresql://db/pakka", "REDIS_URL": "redis://cache/0"}
    settings = compose(own, tmp_path)
    assert settings.values.items() >= own.items()
    assert not settings.own_redis
    assert not read(tmp_path / "local.env").keys() & own.keys()


def test_with_a_real_number_nothing_of_the_simulator_is_left(tmp_path: Path) -> None:
    compose({}, tmp_path)
    settings = compose({"WHATSAPP_TOKEN": "real"}, tmp_path)
    assert settings.phones is None
    assert "GRAPH_API_URL" not in settings.values
    assert not [name for name in read(tmp_path / "local.env") if name.startswith(("WHATSAPP", "GRAPH", "DEMO"))]


def test_a_taken_port_is_passed_over_unless_it_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(SetupError, match=f"PORT is {taken}, and another program listens there"):
            compose({"PORT": str(taken)}, tmp_path)
    settings = compose({}, tmp_path)
    with socket.create_server(("127.0.0.1", settings.port)):
        assert compose({}, tmp_path).port != settings.port


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PORT": "80a"}, "PORT must be a number from 1 to 65535; it is '80a'"),
        ({"PORT": "70000"}, "PORT must be a number from 1 to 65535; it is '70000'"),
        ({"HOST": "192.0.2.1"}, "HOST is '192.0.2.1', which is no address of this machine"),
        ({"HOST": "no host"}, "HOST is 'no host', which is no address of this machine"),
    ],
)
def test_a_malformed_setting_is_named_in_one_line(given: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=words) as caught:
        compose(given, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PORT=8000\n\n# fine\nsecret of mine\nHOST=::1\n", "line 4: expected NAME=VALUE"),
        (b"PORT\n", "line 1: expected NAME=VALUE"),
        (b"NAME='open\n", "line 1: expected NAME=VALUE"),
        (b"\xff\xfeP\x00", "is not a text file in UTF-8"),
    ],
)
def test_a_line_of_settings_that_is_none_is_named_without_its_content(
    content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SetupError, match=words) as caught:
        read(tmp_path / ".env")
    assert "secret" not in str(caught.value)


def test_set_up_makes_the_key_that_commands_need_and_keeps_it(tmp_path: Path) -> None:
    write_secret({}, tmp_path)
    made = read(tmp_path / "local.env")
    assert made.keys() == {"SECRET_KEY"}
    write_secret({}, tmp_path)
    assert compose({}, tmp_path).values["SECRET_KEY"] == made["SECRET_KEY"]
