"""Addresses that are used and those that are not; what the other side says is shown without our tokens."""

from __future__ import annotations

import pytest

from cds_service.ehr.wire import Reply, Wire, check_address, is_loopback, printable, told_by
from cds_service.errors import EhrError, UnreachableError


@pytest.mark.parametrize("address", ["ehr.example/fhir", "ftp://ehr.example", "https://", "http://[::1", "http://h:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(EhrError, match="discovery: no http"):
        check_address("discovery", address)


def test_a_login_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(EhrError, match="holds a user name") as refused:
        check_address("discovery", "https://jan:geheim@ehr.example")
    assert "geheim" not in str(refused.value)


def test_a_token_travels_encrypted_or_not_at_all() -> None:
    with pytest.raises(EhrError, match="the token would travel unencrypted to http://ehr"):
        check_address("metadata", "http://ehr.example/fhir", with_token=True)
    assert check_address("metadata", "http://127.0.0.1:8/fhir", with_token=True) == "http://127.0.0.1:8"
    assert check_address("metadata", "http://ehr.example/fhir") == "http://ehr.example"


def test_loopback_has_several_names() -> None:
    assert all(map(is_loopback, ("http://localhost:1", "http://127.0.0.9", "http://[::1]:2")))
    assert not is_loopback("http://10.0.0.1")


def test_nobody_at_an_address_is_told_as_such() -> None:
    with Wire(1) as wire:
        with pytest.raises(UnreachableError, match=r"discovery: http://127\.0\.0\.1:1 cannot be reached"):
            wire.get("discovery", "http://127.0.0.1:1/cds-services")
        assert [(step.name, step.status) for step in wire.steps] == [("discovery", 0)]


@pytest.mark.parametrize(
    ("body", "text", "told"),
    [
        ({"issue": [{"diagnostics": "a"}, {"details": {"text": "b"}}, {"code": "c"}, "x"]}, "", "a; b; c"),
        ({"error": "x"}, '{"error": "x"}', '{"error": "x"}'),
        (None, "", "nothing more was said"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_other_side(body: object, text: str, told: str) -> None:
    assert told_by(Reply(400, body, text)) == told


def test_what_steers_a_terminal_is_not_printed() -> None:
    assert printable("a\x1b[31mb\nc\u200b") == "a[31mb\nc"
