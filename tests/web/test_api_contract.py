"""The API keeps its own contract: Schemathesis calls it with what the contract allows and with what it forbids."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from bot.services import Services
from bot.web.protection import limiter
from tests.web.api_calls import make_key
from tests.web.samples import Shop

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


@pytest.mark.timeout(400)
def test_no_call_breaks_the_contract_or_the_server(
    app: Flask, shop: Shop, services: Services, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rates have a test of their own; here they would answer most calls.
    monkeypatch.setattr(limiter, "enabled", False)
    command = [
        str(SCHEMATHESIS), "run", f"{served}/api/v1/openapi.json", "--url", served,
        "--header", f"Authorization: Bearer {make_key(services, shop)}",
        "--phases", "coverage,fuzzing", "--max-examples", "3", "--workers", "2", "--seed", "1",
        "--checks", "all",
        # A telephone number or a cursor may be wrong in ways that no schema tells.
        "--exclude-checks", "positive_data_acceptance",
        "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=380, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "24 passed" in done.stdout, done.stdout[-3000:]
