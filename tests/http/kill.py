"""`kill -9` of the service while feedback comes in over HTTP: what was acknowledged, lost and doubled.

As a script: python -m tests.http.kill [rounds]
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import orjson

from tests.bench.servers import PATIENCE, Server
from tests.storage.database_tally import Tally, compare

PATH = "/cds-services/ionwise-patient-view/feedback"
CLIENTS = 4
HEADERS = {"Content-Type": "application/json"}


def kill_often(data_dir: Path, rounds: int) -> Tally:
    """Each round starts a service, has clients report a random number of times, and kills it at a random moment.

    Each round begins with numbers that the one before may or may not have stored, as a client does that repeats what
    was not acknowledged.
    """
    acknowledged: set[int] = set()
    for _ in range(rounds):
        first = max(max(acknowledged, default=0) - 2 * CLIENTS, 0)
        service = Server("cds_service", "serve", "--sandbox", "--port", "PORT", storage="true", data_dir=str(data_dir))
        with service:
            service.first_status("/live")
            numbers, stored = count(first), threading.Semaphore(0)
            clients = [
                threading.Thread(target=_report, args=(service.port, numbers, acknowledged, stored))
                for _ in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            for _ in range(random.randrange(20, 100)):
                assert stored.acquire(timeout=PATIENCE), "no report is acknowledged"
            time.sleep(random.uniform(0, 0.05))
            service.kill()
            for client in clients:
                client.join()
    return asyncio.run(compare(None, data_dir, acknowledged))


def _report(port: int, numbers: count[int], acknowledged: set[int], stored: threading.Semaphore) -> None:
    """Report one card after the other until nobody answers; `stored` counts those that are acknowledged."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        for number in numbers:
            try:
                connection.request("POST", PATH, _body(number), HEADERS)
                response = connection.getresponse()
                response.read()
            except (OSError, HTTPException):
                return
            if response.status == 200:
                acknowledged.add(number)
                stored.release()


def _body(number: int) -> bytes:
    item = {
        "card": f"card-{number}",
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-21T09:00:00Z",
        "overrideReason": {"userComment": "a comment"},
    }
    return orjson.dumps({"feedback": [item]})


def main() -> None:
    """The figure: so many rounds on a new SQLite database."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(f"{rounds} times killed: {kill_often(Path(folder), rounds)}\n")


if __name__ == "__main__":
    main()
