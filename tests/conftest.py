"""What holds for every test: no network outside loopback, no patient data in any log line, nothing kept unasked."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.web.log import fields_of

FIXTURES = Path(__file__).parent.parent / "fhir_fixtures"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""})  # noqa: S104 - listening is local too
RESOURCE_BODY = re.compile(r"""["']resourceType\\?["']\s*:""")
WORD = re.compile(r"[\w.-]+")


class OutsideCallError(RuntimeError):
    """A test tried to reach a host other than this one."""


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0] or ""
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name not in LOOPBACK and not name.startswith("127."):
        raise OutsideCallError(f"tests must stay on loopback; {event} asked for {name}: use respx or a local server")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse connections and name look-ups outside loopback; an audit hook also sees those made in C.

    Services that tests start keep nothing, unless a test asks for it with a folder of its own.
    """
    os.environ["IONWISE_STORAGE"] = "false"
    gc.set_threshold(20_000, 10, 100)  # thousands of tests stay to the end: each look through all of them takes seconds
    sys.addaudithook(_refuse_outside)


def personal_marks(value: Any) -> Iterator[str]:
    """Whatever in a fixture would give a patient away in a log: family names, birth dates, ids long enough to tell."""
    if isinstance(value, list):
        for item in value:
            yield from personal_marks(item)
    if not isinstance(value, dict):
        return
    if value.get("resourceType") == "Patient":
        yield from (name["family"] for name in value.get("name", []) if isinstance(name, dict) and "family" in name)
        yield str(value.get("birthDate", ""))
    if "resourceType" in value and re.search(r"\d", str(value.get("id", ""))):
        yield str(value["id"])
    for item in value.values():
        yield from personal_marks(item)


def fixture_marks() -> frozenset[str]:
    """The marks of every readable fixture; broken ones are broken on purpose."""
    found: set[str] = set()
    for path in FIXTURES.rglob("*.json"):
        try:
            found.update(personal_marks(json.loads(path.read_bytes())))
        except ValueError:
            continue
    for path in FIXTURES.rglob("*.ndjson"):
        for line in path.read_bytes().splitlines():
            try:
                found.update(personal_marks(json.loads(line)))
            except ValueError:
                continue
    return frozenset(mark for mark in found if len(mark) >= 5)


def leaks(text: str, marks: frozenset[str]) -> list[str]:
    """The log lines that hold a mark as a whole word (or, for names of several words, anywhere) or a resource body."""
    phrases = [mark for mark in marks if not WORD.fullmatch(mark)]
    return [
        line
        for line in text.splitlines()
        if not marks.isdisjoint(word.strip(".-") for word in WORD.findall(line))
        or any(phrase in line for phrase in phrases)
        or RESOURCE_BODY.search(line)
    ]


def _with_fields(record: logging.LogRecord) -> bool:
    record.told = fields_of(record)
    return True


@pytest.fixture(scope="session", autouse=True)
def _no_patient_data_in_logs() -> Iterator[None]:
    """Collect every log line of the whole suite, tracebacks included, and look through them at the end."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(told)s"))
    handler.addFilter(_with_fields)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    found = leaks(written.getvalue(), fixture_marks())
    assert not found, "patient data in the logs of the test suite:\n" + "\n".join(found[:20])
