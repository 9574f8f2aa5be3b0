"""The servers that the tests and `up` run on."""

import subprocess
import sys
from pathlib import Path

import psutil
import sqlalchemy
from redis import Redis

from bot.local.bootstrap import ROOT
from bot.local.postgres import PostgresServer, remove_leftovers
from tests.local.waiting import wait_until

OWNER = """
import sys, time
from pathlib import Path
from bot.local.postgres import PostgresServer
from bot.local.redis import RedisServer, find_server
redis, postgres = RedisServer(Path(sys.argv[1]), find_server()), PostgresServer()
redis.start()
postgres.start()
print(postgres.folder, flush=True)
time.sleep(300)
"""


def test_the_redis_contract_holds_on_both_servers(every_redis_url: str) -> None:
    """RQ moves jobs with BLMOVE, which needs 6.2, and relies on a server that never forgets."""
    with Redis.from_url(every_redis_url, decode_responses=True) as client:
        assert tuple(int(part) for part in client.info("server")["redis_version"].split(".")[:2]) >= (6, 2)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.rpush("from", "job")
        assert client.blmove("from", "to", 1) == "job"
        assert client.lrange("to", 0, -1) == ["job"]


def test_a_redis_is_empty_when_a_test_gets_it(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_each_test_has_a_database_of_its_own_that_keeps_every_script(database_url: str) -> None:
    text = "Καλημέρα, जी हाँ, پکا 👍"
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE note (body TEXT)"))
        connection.execute(sqlalchemy.text("INSERT INTO note VALUES (:body)"), {"body": text})
    with engine.begin() as connection:
        assert connection.execute(sqlalchemy.text("SELECT body FROM note")).scalar_one() == text
    engine.dispose()


def test_postgresql_is_new_enough(postgres: PostgresServer) -> None:
    assert postgres.version >= 14


def test_servers_die_with_the_tests_even_by_kill_9_and_leave_no_folder_for_ever(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        servers = psutil.Process(owner.pid).children()
        assert len(servers) == 2
        owner.kill()
    wait_until(lambda: not any(server.is_running() for server in servers))

    def removed() -> bool:
        # Processes of the dead server may still write into it for a moment; whoever comes next finds what was left.
        remove_leftovers()
        return not folder.exists()

    wait_until(removed)
