"""Which drugs that prolong the QT count, which are one substance, and which QTc is of now."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cards._families.qt_drugs.family import contains, qt_drugs, unread_lists
from cards._families.qtc_reading.family import qtc_reading
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Coverage, Dosage, Exposure
from tests.cards.asking import COMPLETE_KEYS, ask, measured, taken
from tests.unit.engine.charts import snapshot

DAY = timedelta(days=1)
ONCE = Dosage(amount=Decimal(4), unit="mg")


def drug(ingredient: str = "sotalol", **other: Any) -> Exposure:
    return taken("qt-candidates", **({"ingredients": frozenset({ingredient})} | other))


def counted(exposure: Exposure) -> bool:
    found = ask(qt_drugs, exposure)
    return bool(found.active or found.drafts)


@pytest.mark.parametrize("name", ["propofol", "sevoflurane"])
def test_an_anaesthetic_counts_only_as_a_new_order_by_whatever_route(name: str) -> None:
    for route in ("intravenous", "inhaled", "other"):
        assert not counted(drug(name, route=route))
        assert counted(drug(name, route=route, status="draft"))


@pytest.mark.parametrize(
    ("dosages", "counts"),
    [
        ((ONCE,), False),
        ((ONCE, ONCE), False),
        ((), True),
        ((ONCE, Dosage(per_day=Decimal(3))), True),
        ((Dosage(per_day=Decimal(3)),), True),
        ((Dosage(as_needed=True),), True),
    ],
)
def test_a_single_dose_of_an_antiemetic_into_a_vein_does_not_count(dosages: tuple[Dosage, ...], counts: bool) -> None:
    for name in ("droperidol", "ondansetron"):
        assert counted(drug(name, route="intravenous", dosages=dosages)) is counts
        assert counted(drug(name, dosages=dosages))
    assert counted(drug("haloperidol", route="intravenous", dosages=dosages))


def test_one_substance_is_one_drug_and_the_draft_stands_for_it() -> None:
    active, renewal, other = drug(), drug(status="draft"), drug("citalopram")
    assert ask(qt_drugs, active, other, renewal).distinct == (renewal, other)
    by_code = [drug(ingredients=frozenset(), name=name, atc=frozenset({"N05AD01"})) for name in "ab"]
    assert ask(qt_drugs, *by_code).distinct == (by_code[0],)
    by_name = [drug(ingredients=frozenset(), name=name) for name in "aba"]
    assert ask(qt_drugs, *by_name).distinct == (by_name[0], by_name[1])


def test_a_substance_is_known_by_its_ingredient_or_else_by_its_code() -> None:
    sotalol, citalopram = drug(), drug("citalopram")
    coded, other = (drug(ingredients=frozenset(), atc=frozenset({code})) for code in ("N05AD01", "N05AD02"))
    assert contains([citalopram, sotalol], drug())
    assert not contains([citalopram], drug())
    assert contains([sotalol, coded], drug(ingredients=frozenset(), atc=coded.atc))
    assert not contains([sotalol, other], coded)
    assert not contains([drug(atc=coded.atc)], coded)
    assert not contains([], coded)


def test_lists_that_did_not_come_are_told() -> None:
    def unread(*missing: str) -> tuple[str, ...]:
        coverage = {key: Coverage("complete") for key in COMPLETE_KEYS if key not in missing}
        return unread_lists(Patient(snapshot(coverage=coverage), Needs(), {}))

    assert unread() == ()
    assert unread("medications") == ("unknown-drugs",)
    assert unread("conditions") == ("unknown-problems",)
    assert unread("medications", "conditions") == ("unknown-drugs", "unknown-problems")


def test_a_qtc_counts_within_a_span_only_when_it_is_of_it() -> None:
    found, as_of = ask(qtc_reading, measured("qtc", "500", 2 * DAY)), snapshot().as_of
    assert found.within(2 * DAY, as_of) is found.result
    assert found.within(DAY, as_of) is None
    assert ask(qtc_reading).within(DAY, as_of) is None


@pytest.mark.parametrize(("now", "before"), [("", "<"), (">", ""), (">", "<")])
def test_a_bound_has_no_rise(now: str, before: str) -> None:
    values = measured("qtc", "500", comparator=now), measured("qtc", "440", 3 * DAY, comparator=before)
    assert ask(qtc_reading, *values).rise is None
    assert ask(qtc_reading, measured("qtc", "500"), measured("qtc", "440", 3 * DAY)).rise == 60


def test_each_formula_is_compared_with_itself() -> None:
    for formula in ("by-fridericia", "by-unnamed-formula", "by-bazett"):
        now, unmarked = measured("qtc", "500", flags=(formula,)), measured("qtc", "440", 3 * DAY)
        assert ask(qtc_reading, now, unmarked).earlier is None
        assert ask(qtc_reading, now, measured("qtc", "440", 3 * DAY, flags=(formula,))).rise == 60
