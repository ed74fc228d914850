"""Bodies above the limit are refused before they are read; the largest admitted one fits a small server's memory."""

from __future__ import annotations

import gzip
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.http.client import JSON, Client
from tests.http.hostile import resources
from tests.shipped import released

ROOT = Path(__file__).parents[2]
ADMISSION = ROOT / "fhir_fixtures" / "hooks" / "encounter-start" / "admission_with_severe_hypomagnesaemia.json"
MEGABYTE = 1024 * 1024
RSS_LIMIT = 400 * MEGABYTE


@pytest.fixture(scope="module")
def service() -> Client:
    """The sandbox with the real knowledge."""
    return Client(create_app(Settings(sandbox=True), released()))


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_body_above_the_limit_is_refused_before_it_is_read(service: Client, pieces: int) -> None:
    chunk = b" " * MEGABYTE
    reply = service.call("POST", "/cds-services/ionwise-patient-view", [chunk] * 40, JSON)
    assert (reply.status, reply.pieces_read) == (413, 17)
    declared = JSON | {"content-length": str(40 * MEGABYTE)}
    reply = service.call("POST", "/cds-services/ionwise-patient-view", [chunk] * pieces, declared)
    assert (reply.status, reply.pieces_read) == (413, 0)


def test_a_gzip_bomb_is_refused(service: Client) -> None:
    packed = JSON | {"content-encoding": "gzip"}
    bomb = gzip.compress(b" " * (200 * MEGABYTE), compresslevel=6)
    assert service.call("POST", "/cds-services/ionwise-patient-view", bomb, packed).status == 413
    assert service.call("POST", "/cds-services/ionwise-patient-view", gzip.compress(bomb), packed).status == 400


def big_request() -> bytes:
    """Fifteen megabytes: the severe magnesium among thousands of other results."""
    body = orjson.loads(ADMISSION.read_bytes())
    answer = body["prefetch"]["labsFrequent"]
    first = next(r for r in resources(body) if r["resourceType"] == "Observation")
    sodium = first | {"code": {"coding": [{"system": "http://loinc.org", "code": "2951-2"}]}}
    size = len(orjson.dumps({"resource": sodium | {"id": "many-00000"}})) + 1
    many = [{"resource": sodium | {"id": f"many-{n:05d}"}} for n in range(15 * MEGABYTE // size)]
    answer["entry"] = [*answer.get("entry", ()), *many]
    answer.pop("total", None)
    return orjson.dumps(body)


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A real server process: its address and process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "cds_service", "serve", "--sandbox", "--port", port]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-3, stderr=-3) as process:
        try:
            while not answers(f"{base}/live"):
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
            yield base, process.pid
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:  # noqa: S310 - loopback
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of another process is read from /proc")
def test_fifteen_megabytes_are_answered_within_the_memory_of_a_small_server(server: tuple[str, int]) -> None:
    base, process = server
    body = big_request()
    assert 14 * MEGABYTE < len(body) < 16 * MEGABYTE
    for _ in range(3):
        request = urllib.request.Request(f"{base}/cds-services/ionwise-encounter-start", body, JSON)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - loopback
            shown = orjson.loads(reply.read())["cards"]
    assert "mg-hypomagnesaemia" in [card["source"]["topic"]["code"] for card in shown]
    status = Path(f"/proc/{process}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    assert int(peak[1]) * 1024 < RSS_LIMIT
