"""Pages put together: what is whole, what is a part, and which copy of a resource counts."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.failures import Failure, OutboundError
from cds_service.fhir.pages import MOST_PAGES, Pages, next_link, read_page
from cds_service.knowledge.model import KeyPlanEntry

LABS = KeyPlanEntry("labs", "Observation?patient=p-1&_count=2", {}, {}, "Observation")
PATIENT = KeyPlanEntry("patient", "Patient/{{context.patientId}}", {}, {}, "Patient")


def lab(name: str, **more: Any) -> dict[str, Any]:
    """A result; `meta` and others as given."""
    return {"resourceType": "Observation", "id": name} | more


def page(*found: Any, follows: bool = False, **more: Any) -> bytes:
    """A searchset."""
    link = [{"relation": "next", "url": "https://ehr.example/2"}] if follows else []
    entries = [None if one is None else {"resource": one} for one in found]
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link} | more)


ODDLY_MEANT = page(entry=[{"resource": lab("m"), "modifierExtension": [{"url": "https://ehr.example/x"}]}])


def collect(*bodies: bytes, stopped: Failure | None = None, entry: KeyPlanEntry = LABS) -> KeyAnswer:
    """The answer that these pages make."""
    pages = Pages(entry)
    for body in bodies:
        pages.add(read_page(body, entry))
    return pages.answer(stopped)


def names(answer: KeyAnswer) -> list[str]:
    """The ids of the matches."""
    return [orjson.loads(bytes(raw))["id"] for raw in answer.resources]


def test_pages_with_all_that_was_announced_are_whole() -> None:
    answer = collect(page(lab("a"), lab("b"), follows=True, total=3), page(lab("c"), total=3))
    assert (answer.state, names(answer), answer.fetched) == ("complete", ["a", "b", "c"], True)


@pytest.mark.parametrize(
    ("bodies", "state"),
    [
        ([page(lab("a"))], "complete"),
        ([page()], "complete"),
        ([page(lab("a"), lab("b"))], "truncated"),
        ([page(lab("a"), lab("b"), total=2)], "complete"),
        ([page(lab("a"), lab("b"), total=3)], "truncated"),
        ([page(lab("a"), lab("b"), follows=True), page(lab("c"), lab("d"))], "complete"),
        ([page(lab("a"), None)], "unordered"),
        ([ODDLY_MEANT], "unordered"),
        ([page(lab("a"), lab("b"), follows=True), ODDLY_MEANT], "unordered"),
        ([page(lab("a"), {"resourceType": "Observation"}, total=2)], "complete"),
    ],
)
def test_what_pages_prove(bodies: list[bytes], state: str) -> None:
    assert collect(*bodies).state == state


def test_a_cut_answer_says_that_something_was_lost() -> None:
    bodies = (page(lab("a"), None, follows=True), page(lab("b")))
    assert [collect(body).lost for body in bodies] == [True, False]
    told = collect(bodies[0], stopped=Failure.TIMEOUT)
    assert (told.state, told.lost) == ("truncated", True)


def test_a_result_that_slipped_between_two_pages_leaves_the_answer_a_part() -> None:
    """One was added in front while we read: the second page repeats the last of the first, and one is missing."""
    answer = collect(page(lab("a"), lab("b"), follows=True, total=3), page(lab("b"), lab("c"), total=4))
    assert (answer.state, names(answer)) == ("truncated", ["a", "b", "c"])


def test_of_two_versions_the_newest_counts() -> None:
    old, new = {"meta": {"lastUpdated": "2026-01-01T10:00:00Z"}}, {"meta": {"lastUpdated": "2026-01-01T11:30:00+01:00"}}
    for first, second in ((old, new), (new, old)):
        answer = collect(page(lab("a", **first), follows=True), page(lab("a", **second)))
        assert [orjson.loads(bytes(raw))["meta"] for raw in answer.resources] == [new["meta"]]
        assert answer.state == "complete"


def test_version_numbers_tell_where_times_do_not() -> None:
    answer = collect(page(lab("a", meta={"versionId": "9"}), lab("a", meta={"versionId": "10"}), total=1))
    assert [orjson.loads(bytes(raw))["meta"]["versionId"] for raw in answer.resources] == ["10"]
    assert answer.state == "complete"


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000])
def test_a_version_that_is_no_number_tells_nothing(number: str) -> None:
    answer = collect(page(lab("a", meta={"versionId": "1"}), lab("a", meta={"versionId": number}), total=1))
    assert (answer.state, names(answer)) == ("unordered", ["a"])


def test_copies_that_contradict_each_other_leave_the_answer_in_doubt() -> None:
    answer = collect(page(lab("a", status="final"), follows=True), page(lab("a", status="amended")))
    assert (answer.state, names(answer)) == ("unordered", ["a"])


def test_equal_copies_are_one() -> None:
    assert names(collect(page(lab("a"), follows=True), page(lab("a")))) == ["a"]


def test_what_came_before_a_failure_is_told_as_a_part() -> None:
    answer = collect(page(lab("a"), follows=True), stopped=Failure.TIMEOUT)
    assert (answer.state, answer.reason, names(answer)) == ("truncated", "timeout", ["a"])


def test_a_failure_before_anything_came_is_a_failure() -> None:
    assert collect(stopped=Failure.DNS) == KeyAnswer("failed", reason="dns", fetched=True)


def test_pages_without_end_are_too_many() -> None:
    pages = Pages(LABS)
    for number in range(MOST_PAGES - 1):
        pages.add(read_page(page(lab(f"n{number}"), follows=True), LABS))
    with pytest.raises(OutboundError) as refused:
        pages.add(read_page(page(lab("last"), follows=True), LABS))
    assert refused.value.failure is Failure.TOO_MANY
    assert len(pages.answer(Failure.TOO_MANY).resources) == MOST_PAGES


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not-json"), (b"{", "not-json"), (b'{"resourceType":"Bundle","x":"\xff"}', "not-json"),
        (b"[]", "wrong-resource"), (b"7", "wrong-resource"), (b"{}", "wrong-resource"),
        (b'{"resourceType":"Patient"}', "wrong-resource"),
        (b'{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}', "outcome"),
        (b'{"resourceType":"Bundle","x":' + b"[" * 10**5, "too-deep"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(body: bytes, told: str) -> None:
    with pytest.raises(OutboundError) as refused:
        read_page(body, LABS)
    assert refused.value.failure.value == told


def test_an_outcome_that_only_warns_is_an_empty_answer() -> None:
    warning = orjson.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]})
    assert collect(warning).state == "complete"


@pytest.mark.parametrize("body", [b'{"resourceType":"Patient","id":"p-2"}', b'{"resourceType":"Patient"}', page()])
def test_a_read_of_one_patient_must_bring_that_patient(body: bytes) -> None:
    """S-36."""
    pages = Pages(PATIENT, "p-1")
    with pytest.raises(OutboundError) as refused:
        pages.add(read_page(body, PATIENT))
    assert refused.value.failure is Failure.WRONG_RESOURCE
    assert pages.answer(refused.value.failure).resources == ()


def test_the_next_link_of_a_delivered_page_is_found() -> None:
    assert next_link(msgspec.Raw(page(follows=True))) == "https://ehr.example/2"
    assert next_link(msgspec.Raw(page())) is None
    assert next_link(msgspec.Raw(b'"x"')) is None
