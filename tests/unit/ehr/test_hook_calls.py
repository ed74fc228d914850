"""The request of a hook: its context, and what stands under a prefetch key when things go wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.ehr.hook_calls import (
    Service,
    build_context,
    choose_service,
    fill_prefetch,
    find_oddities,
)
from cds_service.ehr.records import refusal
from cds_service.errors import EhrError, UnreachableError

TODAY = date(2026, 11, 21)
CONTEXT = {"userId": "Practitioner/x", "patientId": "p"}
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
ONE = {**EMPTY, "total": 1, "entry": [{"resource": {"resourceType": "Observation", "id": "o"}}]}
NEXT = {"link": [{"relation": "next", "url": "https://ehr.example/fhir?page=2"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}
SEARCH = "Observation?patient={{context.patientId}}"


class Fixed:
    """Records that always answer the same."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def ask(self, query: str, step: str) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def sent(answer: Any, template: str = SEARCH, version: str = "2.0") -> tuple[dict[str, Any], tuple[str, ...]]:
    service = Service("patient-view", "s", "http://127.0.0.1/s", prefetch={"key": template})
    filled = fill_prefetch(service, Fixed(answer), CONTEXT, TODAY, version)
    return dict(filled.answers), filled.remarks


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    "answer", [None, EMPTY, {**EMPTY, "entry": [{"resource": WARNING, "search": {"mode": "outcome"}}]}]
)
def test_nothing_there_is_sent_as_null(answer: Any, version: str) -> None:
    assert sent(answer, version=version) == ({"key": None}, ())


def test_what_is_there_is_sent_as_it_is() -> None:
    assert sent(ONE) == ({"key": ONE}, ())
    patient = {"resourceType": "Patient", "id": "p"}
    assert sent(patient, "Patient/{{context.patientId}}") == ({"key": patient}, ())


def test_an_empty_page_with_a_next_one_is_not_nothing() -> None:
    page = EMPTY | NEXT
    assert sent(page) == ({"key": page}, ())


def test_an_empty_page_that_carries_an_error_is_not_nothing() -> None:
    page = EMPTY | {"entry": [{"resource": ERROR, "search": {"mode": "outcome"}}]}
    assert sent(page) == ({"key": page}, ())


def test_a_refusal_is_sent_as_an_outcome_and_to_version_1_not_at_all() -> None:
    outcome = refusal("login", "who are you")
    answers, (remark,) = sent(outcome)
    assert answers == {"key": outcome}
    assert remark == "key: sent as an error; who are you"
    assert sent(outcome, version="1.0") == ({}, ("key: not sent; who are you",))


def test_a_key_that_nobody_answers_is_not_sent() -> None:
    answers, (remark,) = sent(UnreachableError("prefetch key: http://h cannot be reached -> check"))
    assert answers == {}
    assert "cannot be reached" in remark


def test_a_token_without_a_value_keeps_the_key_back() -> None:
    answers, (remark,) = sent(ONE, "Encounter/{{context.encounterId}}")
    assert (answers, remark) == ({}, "key: not sent, the context has no value for a token of its template")


def test_version_1_gets_no_page_that_is_continued() -> None:
    assert sent(ONE | NEXT)[0] == {"key": ONE | NEXT}
    assert sent(ONE | NEXT, version="1.0")[0] == {}


@pytest.mark.parametrize(
    ("hook", "member"),
    [("order-select", "draftOrders"), ("order-sign", "draftOrders"), ("medication-refill", "medications")],
)
def test_unsigned_orders_go_where_the_hook_wants_them(hook: str, member: str) -> None:
    order = {"resourceType": "MedicationRequest", "id": "m"}
    context = build_context(hook, "p", "Practitioner/x", "e", [order])
    assert context[member]["entry"] == [{"resource": order}]
    assert context["encounterId"] == "e"
    assert context.get("selections") == (["MedicationRequest/m"] if hook == "order-select" else None)


def test_only_a_draft_can_be_selected() -> None:
    orders = [{"resourceType": "MedicationRequest", "id": name} for name in "ab"]
    context = build_context("order-select", "p", "Practitioner/x", None, orders, ["MedicationRequest/b"])
    assert context["selections"] == ["MedicationRequest/b"]
    with pytest.raises(EhrError, match="1 of 1 are not among the 2 draft orders"):
        build_context("order-select", "p", "Practitioner/x", None, orders, ["MedicationRequest/c"])


def test_a_hook_without_orders_carries_none() -> None:
    assert build_context("patient-view", "p", "Practitioner/x") == {"userId": "Practitioner/x", "patientId": "p"}


def test_the_one_service_for_a_hook_is_chosen_and_doubt_is_told() -> None:
    one, two = (Service("patient-view", name, "http://h") for name in ("a", "b"))
    assert choose_service([one], "patient-view") is one
    assert choose_service([one, two], "patient-view", "b") is two
    with pytest.raises(EhrError, match=r"several services answer patient-view: .* -> choose one with --service"):
        choose_service([one, two], "patient-view")
    with pytest.raises(EhrError, match=r"nothing answers order-sign there; offered: patient-view \(a\)"):
        choose_service([one], "order-sign")


def test_what_leaves_the_standard_is_told_card_by_card() -> None:
    good = {"summary": "s", "indicator": "info", "source": {"label": "l"}}
    odd = {"summary": "s" * 140, "indicator": "hard-stop", "suggestions": [{}]}
    assert find_oddities({"cards": [good]}) == []
    assert find_oddities({"cards": ["x", odd]}) == [
        "card 1 is no object",
        "card 2: summary must be 1 to 139 characters",
        "card 2: indicator must be one of info, warning, critical",
        "card 2: source.label is missing",
        "card 2: suggestions without selectionBehavior",
    ]
