"""The prefetch value table, row by row."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from cds_service.errors import RequestError
from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.prefetch import read_answer, read_prefetch, require_answers
from cds_service.knowledge.model import KeyPlanEntry, Requirement

LAB = {"resourceType": "Observation", "id": "o1"}
PATIENT = {"resourceType": "Patient", "id": "p1"}
MEDICATION = {"resourceType": "Medication", "id": "m1"}


def key(query: str = "Observation?patient={{context.patientId}}&_count=3", need: Requirement = "R") -> KeyPlanEntry:
    return KeyPlanEntry(
        "labs", query, {"patient-view": need}, {"en": "", "nl": ""}, query.partition("?")[0].split("/")[0]
    )


READ = key("Patient/{{context.patientId}}")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value if isinstance(value, bytes) else orjson.dumps(value))


def bundle(*entries: Any, **members: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries)} | members


def match(resource: Any, mode: str | None = "match") -> dict[str, Any]:
    return {"resource": resource} | ({"search": {"mode": mode}} if mode else {})


def outcome(*severities: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": s, "code": "processing"} for s in severities]}


TABLE: list[tuple[str, Any, tuple[str, int, int]]] = [
    ("null is an empty answer", None, ("complete", 0, 0)),
    ("a Bundle without entry is empty", {"resourceType": "Bundle"}, ("complete", 0, 0)),
    ("a Bundle with no entries is empty", bundle(), ("complete", 0, 0)),
    ("a Bundle with null entries is empty", bundle(entry=None), ("complete", 0, 0)),
    ("total 0 is empty", {"resourceType": "Bundle", "total": 0}, ("complete", 0, 0)),
    ("only a warning outcome is empty (Epic)", bundle(match(outcome("warning"), "outcome")), ("complete", 0, 0)),
    ("only an information outcome is empty", bundle(match(outcome("information"), "outcome")), ("complete", 0, 0)),
    ("a bare warning outcome is empty", outcome("warning"), ("complete", 0, 0)),
    ("a bare error outcome failed", outcome("error"), ("failed", 0, 0)),
    ("a bare outcome without issues failed", outcome(), ("failed", 0, 0)),
    ("an outcome of wrong shape failed", {"resourceType": "OperationOutcome", "issue": 5}, ("failed", 0, 0)),
    ("an error outcome entry failed", bundle(match(outcome("error"), "outcome")), ("failed", 0, 0)),
    ("an error outcome without mode failed", bundle(match(outcome("fatal"), None), match(LAB)), ("failed", 0, 0)),
    ("a match with a warning is data", bundle(match(LAB), match(outcome("warning"), "outcome")), ("complete", 1, 0)),
    ("an include is no match", bundle(match(LAB), match(MEDICATION, "include")), ("complete", 1, 1)),
    ("another type without mode is an include", bundle(match(LAB, None), match(MEDICATION, None)), ("complete", 1, 1)),
    ("a next link means truncated", bundle(match(LAB), link=[{"relation": "next"}]), ("truncated", 1, 0)),
    ("a self link means nothing", bundle(match(LAB), link=[{"relation": "self"}]), ("complete", 1, 0)),
    ("a total above the matches means truncated", bundle(match(LAB), total=2), ("truncated", 1, 0)),
    ("a full page without total means truncated", bundle(*[match(LAB)] * 3), ("truncated", 3, 0)),
    ("a full page that is the total is complete", bundle(*[match(LAB)] * 3, total=3), ("complete", 3, 0)),
    ("a collection is a Bundle", bundle(match(LAB, None), type="collection"), ("complete", 1, 0)),
    ("a Bundle without type is a Bundle", {"resourceType": "Bundle", "entry": [match(LAB)]}, ("complete", 1, 0)),
    ("an entry without resource was lost", bundle({"fullUrl": "x"}, match(LAB)), ("unordered", 1, 0)),
    ("a null entry was lost", bundle(None, match(LAB)), ("unordered", 1, 0)),
    ("a mode that nobody defined hides nothing", bundle(match(LAB, "Match "), match(LAB, "")), ("complete", 2, 0)),
    ("a bare resource where a Bundle was expected is data", LAB, ("complete", 1, 0)),
    ("a bare resource of another type failed", PATIENT, ("failed", 0, 0)),
    ("an array failed", [LAB], ("failed", 0, 0)),
    ("a number failed", 5, ("failed", 0, 0)),
    ("a string failed", "Bundle", ("failed", 0, 0)),
    ("an object without type failed", {"id": "o1"}, ("failed", 0, 0)),
    ("a type that is no string failed", {"resourceType": 5}, ("failed", 0, 0)),
    ("entries of the wrong shape failed", {"resourceType": "Bundle", "entry": {"resource": LAB}}, ("failed", 0, 0)),
    ("a broken resource costs only itself", bundle(match(5), match(LAB)), ("complete", 2, 0)),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_value_table_holds(value: Any, expected: tuple[str, int, int]) -> None:
    answer = read_answer(raw(value), key())
    assert (answer.state, len(answer.resources), len(answer.included)) == expected


def test_resources_stay_as_they_were_sent() -> None:
    sent = b'{"resourceType":"Observation","valueQuantity":{"value":1.70}}'
    answer = read_answer(raw(b'{"resourceType":"Bundle","entry":[{"resource":' + sent + b"}]}"), key())
    assert bytes(answer.resources[0]) == sent


def test_a_bundle_where_a_read_was_expected_is_data() -> None:
    assert read_answer(raw(bundle(match(PATIENT))), READ) == KeyAnswer("complete", (raw(PATIENT),))


def test_a_read_of_another_type_failed() -> None:
    assert read_answer(raw(LAB), READ).state == "failed"


def test_an_absent_key_was_not_asked_and_an_unknown_key_is_ignored() -> None:
    answers = read_prefetch({"other": raw(LAB)}, [key()])
    assert {name: answer.state for name, answer in answers.items()} == {"labs": "not asked"}


@pytest.mark.parametrize("sent", [{}, {"labs": raw(outcome("error"))}], ids=["not sent", "failed"])
def test_a_source_that_the_ehr_does_not_have_is_completely_empty(sent: dict[str, msgspec.Raw]) -> None:
    assert read_prefetch(sent, [key()], frozenset({"labs"})) == {"labs": KeyAnswer("complete")}


def test_an_absent_source_that_is_delivered_all_the_same_is_read() -> None:
    assert len(read_prefetch({"labs": raw(LAB)}, [key()], frozenset({"labs"}))["labs"].resources) == 1


def test_every_lacking_required_key_is_named_at_once() -> None:
    plan = [key(), msgspec.structs.replace(READ, key="patient")]
    with pytest.raises(RequestError, match=r"labs \(failed\), patient \(not sent\)") as refused:
        require_answers(read_prefetch({"labs": raw(outcome("error"))}, plan), plan, "patient-view")
    assert refused.value.status == 412


@pytest.mark.parametrize("value", [None, bundle()], ids=["null", "empty Bundle"])
def test_an_empty_list_satisfies_a_requirement_but_an_empty_read_does_not(value: Any) -> None:
    require_answers(read_prefetch({"labs": raw(value)}, [key()]), [key()], "patient-view")
    with pytest.raises(RequestError):
        require_answers(read_prefetch({"labs": raw(value)}, [READ]), [READ], "patient-view")


@pytest.mark.parametrize("need", ["S", "O"])
def test_a_key_that_is_not_required_may_lack(need: Requirement) -> None:
    plan = [key(need=need)]
    require_answers(read_prefetch(None, plan), plan, "patient-view")


def test_a_key_required_at_another_hook_may_lack() -> None:
    require_answers(read_prefetch(None, [key()]), [key()], "order-sign")
