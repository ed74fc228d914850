"""The guards of tests/conftest.py guard: an outside call is refused, a leaked name is seen."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import OutsideCallError, leaks, personal_marks

PATIENT = {
    "resourceType": "Bundle",
    "entry": [
        {
            "resource": {
                "resourceType": "Patient",
                "id": "pat-17",
                "birthDate": "1951-03-09",
                "name": [{"family": "Zeer-Geheim"}],
            }
        }
    ],
}
MARKS = frozenset(personal_marks(PATIENT))


def test_a_connection_outside_loopback_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(Exception, match="loopback") as refused:
        outside.connect(("192.0.2.1", 80))
    assert type(refused.value).__name__ == OutsideCallError.__name__


def test_a_name_lookup_outside_loopback_is_refused() -> None:
    with pytest.raises(Exception, match="loopback"):
        socket.getaddrinfo("ehr.example", 443)


def test_a_connection_on_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    "line",
    ["no answer for pat-17", "read Zeer-Geheim.", "born 1951-03-09", '{"resourceType": "Observation"}'],
)
def test_a_log_line_with_patient_data_is_found(line: str) -> None:
    assert leaks(line, MARKS) == [line]


def test_a_log_line_without_patient_data_is_left_alone() -> None:
    assert leaks("rule mg-hypomagnesaemia fired at patient-view for pat-171", MARKS) == []
