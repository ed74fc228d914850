"""A FHIR server with charts on it, the service in a process of its own, and a door that asks for the token."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fhir_server.door import Door, open_door
from tests.fhir_server.ehr import Service
from tests.fhir_server.loading import STORIES, collection, load, long_chart, story_bundle
from tests.fhir_server.public_charts import public_charts

ROOT = Path(__file__).parents[2]
TOKEN = "token-of-this-call-only"
START_SECONDS = 60
# These tests ask what comes of a call, not how soon: a busy machine must not change the answer.
PATIENCE = {"IONWISE_FETCH_BUDGET_MS": "30000", "IONWISE_RESPONSE_BUDGET_MS": "60000"}

SERVER = os.environ.get("IONWISE_TEST_FHIR_URL")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The base address of the server, once all charts are on it."""
    if SERVER is None:
        pytest.fail("IONWISE_TEST_FHIR_URL says no FHIR server: run .ci/with-fhir-server make test-fhir-server")
    # The tests' own HTTP client writes addresses, and so patients' ids, to its log; the service's log is looked at.
    tests_client = logging.getLogger("urllib3")
    tests_client.setLevel(logging.WARNING)
    for story in STORIES:
        load(SERVER, story_bundle(story))
    for chart in (long_chart(), *([chart.patient, *chart.resources] for chart in public_charts())):
        load(SERVER, collection(chart))
    yield SERVER
    tests_client.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service's log goes."""
    return tmp_path_factory.mktemp("service") / "log"


@pytest.fixture(scope="session")
def service(log: Path) -> Iterator[Service]:
    """`ionwise serve --sandbox`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cds_service", "serve", "--sandbox", "--port", str(port)]
    environment = {**os.environ, "IONWISE_LOG_LEVEL": "DEBUG"} | PATIENCE
    with (
        log.open("wb") as written,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=written, stderr=written) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process)
            yield Service(address)
        finally:
            process.terminate()


@pytest.fixture
def door(server: str) -> Iterator[Door]:
    """A door of this test's own: what came through it came from this test."""
    with open_door(server, TOKEN) as opened:
        yield opened


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the service answers; fail when it ends first or takes too long."""
    for _ in range(START_SECONDS * 5):
        try:
            requests.get(f"{address}/ready", timeout=START_SECONDS).raise_for_status()
        except requests.RequestException:
            assert process.poll() is None, "the service did not start; run `ionwise serve --sandbox` to see why"
            time.sleep(0.2)
        else:
            return
    pytest.fail("the service did not answer in time")
