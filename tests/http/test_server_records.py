"""What a FHIR server's answers mean, over real sockets."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from cds_service.ehr.file_records import read_files
from cds_service.ehr.records import is_refusal
from cds_service.ehr.server_records import ServerRecords
from cds_service.ehr.wire import Wire
from cds_service.errors import UnreachableError
from tests.http.fhir_server import CdsServer, FhirServer, Moods, serving
from tests.unit.ehr.patients import SEVERE


def asked(query: str, **moods: Any) -> dict[str, Any] | None:
    """One answer of a server about the fixture patient okapi-67."""
    server = FhirServer(read_files(SEVERE), Moods(**moods))
    with serving(server), Wire() as wire:
        return ServerRecords(wire, server.base).ask(query, "test")


def test_a_read_of_what_is_not_there_is_nothing_and_a_search_is_a_refusal() -> None:
    assert asked("Patient/nobody") is None
    assert is_refusal(asked("Observation?patient=okapi-67", refuses={"Observation": 404}))


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
def test_a_refusal_is_handed_on_in_the_server_s_words(status: int) -> None:
    answer = asked("Patient/okapi-67", refuses={"Patient": status})
    assert is_refusal(answer)
    assert "not for you" in json.dumps(answer)


def test_an_answer_that_is_no_fhir_is_a_refusal() -> None:
    server = CdsServer([], {})
    with serving(server), Wire() as wire:
        records = ServerRecords(wire, server.base)
        answer = records.ask("Patient/1", "test")
        assert "something that is no FHIR resource" in json.dumps(answer)
        assert "the FHIR server answered 500" in json.dumps(_failing(server, records))


def _failing(server: CdsServer, records: ServerRecords) -> Any:
    server.discovery_status = 500
    return records.ask("Patient/1", "test")


def test_a_next_page_elsewhere_is_not_fetched() -> None:
    server = FhirServer(read_files(SEVERE), Moods())
    with serving(server), Wire() as wire:
        records = ServerRecords(wire, server.base)
        for url in ("https://elsewhere.example/fhir?page=2", f"{server.base}x/Patient"):
            assert "another address and was not fetched" in json.dumps(records.follow(url, "test"))
        assert records.follow(f"{server.base}/Patient/okapi-67", "test") is not None
        assert server.moods.asked == ["Patient/okapi-67?"]


def test_a_server_that_does_not_answer_in_time_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, Wire(0.2) as wire:
        records = ServerRecords(wire, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(UnreachableError, match=r"test: http://127\.0\.0\.1:\d+ did not answer within 0.2 s"):
            records.ask("Patient/1", "test")


def test_a_server_that_speaks_no_tls_is_told() -> None:
    server = FhirServer(read_files(SEVERE), Moods())
    with serving(server), Wire(2) as wire:
        records = ServerRecords(wire, server.base.replace("http:", "https:"))
        with pytest.raises(UnreachableError, match=r"no secure connection to https://\S+ -> is it an https address\?"):
            records.ask("Patient/1", "test")
