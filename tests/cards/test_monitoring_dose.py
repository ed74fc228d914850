"""What asks for a shorter interval than usual: the daily dose, as far as the orders say it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cards._families.drug_monitoring.closer import Closer, HighDose, reasons_for_closer
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.drugs import chart, drug

DOSE = HighDose(group="loop", as_="furosemide", from_="high", worth={"bumetanide": "worth"})
LIMITS = Limits({"high": Decimal(80), "worth": Decimal(40)}, {})


def loop(amount: str | None, unit: str = "mg", per_day: str | None = "1", **other: Any) -> Exposure:
    dosage = Dosage(None if amount is None else Decimal(amount), unit, None if per_day is None else Decimal(per_day))
    ingredient = other.pop("ingredient", "furosemide")
    return drug(ingredient, **({"groups": frozenset({"loop"}), "dosages": (dosage,)} | other))


def is_high(*exposures: Exposure) -> bool:
    patient = Patient(chart(*exposures), Needs(drugs=frozenset({"loop"})), {})
    return bool(reasons_for_closer(patient, Closer(interval="x", notes={"dose": "high"}, dose=DOSE), (), LIMITS))


def strength(amount: str, unit: str = "mg", per: str = "1") -> Strength:
    return Strength("furosemide", Decimal(amount), unit, Decimal(per), "tablet")


@pytest.mark.parametrize(
    ("taken", "high"),
    [
        (loop("40", per_day="2"), True),
        (loop("79.95"), False),
        (loop("0.08", "g"), True),
        (loop("0.00008", "kg"), True),
        (loop("2", ingredient="bumetanide"), True),
        (loop("1.9", ingredient="bumetanide"), False),
        (loop("500", ingredient="torasemide"), False),
        (loop("500", ingredients=frozenset({"furosemide", "triamterene"})), False),
        (loop(None), False),
        (loop("500", per_day=None), False),
        (loop("500", "mL"), False),
        (loop("500", "mg/mL"), False),
        (loop("2", "tablet", strengths=(strength("40"),)), True),
        (loop("2", "", strengths=(strength("40"),)), True),
        (loop("2", "mL", strengths=(strength("40"),)), False),
        (loop("2", "tablet", strengths=(strength("40", per="2"),)), False),
        (loop("2", "tablet", strengths=(strength("40"), strength("500"))), False),
        (loop("2", "tablet", strengths=(strength("40", "mmol"),)), False),
        (loop("2", "tablet", name="furosemide 40 mg tablet"), True),
        (loop("2", "tablet", name="furosemide 0,04 g tablet"), True),
        (loop("2", "tablet", name="furosemide 39 MG tablet"), False),
        (loop("2", "tablet", name="furosemide 40 mg/ml"), False),
        (loop("2", "tablet", name="furosemide 40 mg of 500 mg"), False),
        (loop("2", "tablet"), False),
    ],
)
def test_a_dose_is_high_only_when_the_order_says_how_much_it_is(taken: Exposure, high: bool) -> None:
    assert is_high(taken) is high


def test_what_is_not_known_adds_nothing() -> None:
    almost = loop("79.5")
    for other in (loop(None), loop("1", "tablet"), loop("9", ingredient="torasemide"), loop("1", "mL")):
        assert not is_high(almost, other)
    assert not is_high(almost, loop("40", ingredients=frozenset({"furosemide", "triamterene"})))


def test_only_regular_dosages_are_added_up() -> None:
    regular, extra = Dosage(Decimal(40), "mg", Decimal(1)), Dosage(Decimal(40), "mg", Decimal(1), as_needed=True)
    assert is_high(loop(None, dosages=(regular, regular)))
    assert not is_high(loop(None, dosages=(regular, extra)))


def test_a_draft_takes_the_place_of_the_order_of_the_same_drug() -> None:
    draft = loop("40", status="draft")
    assert not is_high(loop("40"), draft)
    assert is_high(loop("1", ingredient="bumetanide"), draft)
