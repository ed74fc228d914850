"""Starting, calling and stopping the servers under measurement, over real HTTP on loopback with one kept connection."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, NamedTuple

import orjson

from tests.bench.payloads import HOOK

ROOT = Path(__file__).parents[2]
PATH = f"/cds-services/ionwise-{HOOK}"
HEADERS = {"Content-Type": "application/json", "Accept-Language": "en"}
PATIENCE = 30.0


class Usage(NamedTuple):
    """CPU seconds used and the highest resident size in bytes, since the process began."""

    cpu: float
    resident: int


class Round(NamedTuple):
    """One round of requests: CPU seconds per request, wall seconds of each request, the last answer."""

    cpu: float
    walls: list[float]
    answers: list[bytes]


class Server:
    """A server process, started on entry and ended on exit."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        """settings: of the service, in lower case and without its prefix."""
        self._environment = os.environ | {f"IONWISE_{name.upper()}": value for name, value in settings.items()}
        self.port = free_port()
        self._arguments = [sys.executable, "-m", *(str(self.port) if a == "PORT" else a for a in arguments)]

    def __enter__(self) -> Server:
        self.started = time.perf_counter()
        self._errors = TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._arguments,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)
        self._errors.close()

    def first_answer(self, body: bytes) -> float:
        """Seconds from the start of the process to its first answer. RuntimeError, with what it said, when it dies."""
        while True:
            try:
                self.post(body)
            except ConnectionRefusedError:
                self._wait_for_start()
            else:
                return time.perf_counter() - self.started

    def first_status(self, path: str) -> int:
        """The status of the first answer to a GET, waiting for the start as `first_answer` does."""
        while True:
            try:
                self._connection.request("GET", path)
                response = self._connection.getresponse()
                response.read()
            except ConnectionRefusedError:
                self._wait_for_start()
            else:
                return response.status

    def disconnect(self) -> None:
        """Give up the kept connection: a server closes one that was idle."""
        self._connection.close()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def _wait_for_start(self) -> None:
        self._connection.close()
        if self._process.poll() is not None or time.perf_counter() - self.started > PATIENCE:
            self._errors.seek(0)
            raise RuntimeError(f"the server does not start:\n{self._errors.read()}")
        time.sleep(0.01)

    def post(self, body: bytes, token: str | None = None) -> bytes:
        """One hook call; RuntimeError for any status but 200."""
        headers = HEADERS if token is None else HEADERS | {"Authorization": f"Bearer {token}"}
        self._connection.request("POST", PATH, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {answer[:300]!r}")
        return answer

    def usage(self) -> Usage:
        """What a host has used until now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Usage(*orjson.loads(self._process.stdout.readline()))

    def round(self, bodies: Sequence[bytes], count: int, tokens: Sequence[str] = ()) -> Round:
        """`count` requests one after another, going round the bodies; with a token each when there are any."""
        walls, answers = [], []
        before = self.usage()
        for n in range(count):
            begun = time.perf_counter()
            answer = self.post(bodies[n % len(bodies)], tokens[n] if tokens else None)
            walls.append(time.perf_counter() - begun)
            answers.append(answer)
        return Round((self.usage().cpu - before.cpu) / count, walls, answers)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cards_of(answer: bytes) -> list[list[Any]]:
    """What an answer advises: rule, indicator and number of suggestions of each card, in order."""
    return [
        [card["source"]["topic"]["code"], card["indicator"], len(card.get("suggestions", ()))]
        for card in orjson.loads(answer)["cards"]
    ]
