"""What suggestions offer to order is valid FHIR R4, never signed and never dosed."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from cds_service.errors import KnowledgeError
from cds_service.fhir.write import draft_service_request, order_code, validate_orders
from tests.shipped import released

ORDERS = released().orders
PATIENT = {"reference": "Patient/p1"}
STAY = {"reference": "Encounter/e1"}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_every_order_of_the_knowledge_is_a_valid_service_request(order) -> None:  # type: ignore[no-untyped-def]
    validate_orders([order], ("nl", "en"))


def test_a_draft_is_a_proposal_about_the_patient_and_the_stay() -> None:
    draft = draft_service_request(order_code(ORDERS["potassium"], "nl"), PATIENT, STAY)
    assert (draft["status"], draft["intent"]) == ("draft", "proposal")
    assert draft["subject"] == PATIENT
    assert draft["encounter"] == STAY
    assert draft["code"]["text"] == "kalium"


def test_without_a_stay_no_encounter_is_named() -> None:
    assert "encounter" not in draft_service_request(order_code(ORDERS["potassium"], "en"), PATIENT, None)


def test_an_order_that_is_no_valid_resource_is_refused_by_name() -> None:
    broken = msgspec.structs.replace(ORDERS["potassium"], codings=({"system": 5},))
    with pytest.raises(KnowledgeError, match="order potassium"):
        validate_orders([broken], ("nl",))


def test_a_draft_for_a_day_to_come_carries_that_day() -> None:
    draft = draft_service_request(order_code(ORDERS["potassium"], "nl"), PATIENT, STAY, date(2026, 11, 28))
    assert draft["occurrenceDateTime"] == "2026-11-28"
