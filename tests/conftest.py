"""What every test may use; the fixtures themselves are in `tests/fixtures`."""

import os

import pytest
import structlog

from bot.local.lifeline import tie_this_process
from bot.settings import Settings

LONG = ("tests/kills/", "tests/whole/", "tests/local/test_up.py", "tests/web/test_api_contract.py", "tests/shoppers/")
"""Where the tests are that take ten seconds and more, longest first."""

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.databases",
    "tests.fixtures.browsers",
    "tests.fixtures.stacks",
    "tests.fixtures.models",
]

# A developer's own settings and a running `up` in this folder must not reach the tests.
for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL", "PORT", "HOST", "PAKKA_VAR"):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith(("WHATSAPP_", "GRAPH_API_"))]:
    os.environ.pop(name)
Settings.model_config["env_file"] = None

# A library of the tests makes structlog draw each traceback with all local variables, which takes ten seconds a time.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    """Let a parallel worker die with the run that started it, and its servers with the worker."""
    if hasattr(config, "workerinput"):
        tie_this_process()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the running stack in one worker, because each worker would start a stack of its own.

    Tests that take long begin first, so that none of them runs alone at the end while other workers are idle.
    First, because the parallel runner reads groups and order in the same hook.
    """
    items.sort(key=lambda item: [not item.nodeid.startswith(place) for place in LONG])
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))
