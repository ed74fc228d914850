"""How much a row of a separation table asks for: of one dose, of a day, of an element, and what stays unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cards._families.separation.amounts import supplies
from cards._families.separation.table import Amount
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.drugs import chart, drug
from tests.cards.test_separation_tables import BOTH, cation, dose, judge, judge_rows, victim

SALTS = {
    "calcium": {"calcium-carbonate": (Decimal(40), Decimal(40))},
    "zinc": {"zinc-sulfate": (Decimal(23), Decimal(23))},
}


def mg(*amounts: int) -> tuple[Dosage, ...]:
    """One instruction a day for each amount."""
    return tuple(Dosage(amount=Decimal(amount), unit="mg", per_day=Decimal(1)) for amount in amounts)


def minerals(group: str, *amounts: int) -> Exposure:
    return drug("mineral", groups=frozenset({group}), dosages=mg(*amounts))


def per_day(of: str = "product") -> dict[str, Any]:
    return {"amount": {"of": of, "per": "day", "unknown": "cannot-tell", "at_least": "floor"}}


def test_a_dose_is_the_largest_of_the_record_and_not_their_sum() -> None:
    limit = dose("product", "cannot-tell", at_least="floor")
    assert not isinstance(judge(victim(), minerals("cation-magnesium", 20, 20), **limit), Fires)
    assert isinstance(judge(victim(), minerals("cation-magnesium", 30, 10), **limit), Fires)


def test_a_day_is_the_sum_of_all_doses_and_products_that_the_row_names() -> None:
    only: dict[str, Any] = {"cations": ("cation-magnesium",), **per_day()}
    assert isinstance(judge(victim(), minerals("cation-magnesium", 20, 20), **only), Fires)
    ten, twenty = minerals("cation-magnesium", 10), minerals("cation-magnesium", 20)
    assert isinstance(judge(victim(), ten, twenty, **only), Fires)


def test_products_of_other_rows_do_not_add_up_with_those_of_this_one() -> None:
    rows = [
        {"cations": ("cation-magnesium",), "labels": (BOTH,), "severity": "warning", **per_day()},
        {"cations": ("cation-calcium",), "labels": (BOTH,), "severity": "warning"},
    ]
    found = judge_rows(victim(), minerals("cation-calcium", 20), minerals("cation-magnesium", 20), rows=rows)
    assert isinstance(found, Fires)
    paired = [fact.groups for fact in found.because if isinstance(fact, Exposure) and fact.name == "mineral"]
    assert paired == [frozenset({"cation-calcium"})]


def test_an_amount_that_must_be_small_is_open_when_it_is_not_known() -> None:
    with pytest.raises(CannotTellError, match="dose of"):
        judge(victim(), cation(), **dose("victim", "cannot-tell", below="floor"))


def test_a_number_of_moles_is_no_amount_by_the_label() -> None:
    with pytest.raises(CannotTellError, match="dose of"):
        judge(victim(amount=Decimal(90), unit="mmol"), cation(), **dose("victim", "cannot-tell", at_least="floor"))


@pytest.mark.parametrize("amount", [30, 31])
def test_what_the_label_says_counts_to_the_last_milligram(amount: int) -> None:
    listed = (Strength("victim", Decimal(amount), "mg", Decimal(1), "tablet"),)
    tablet = drug("victim", dosages=(Dosage(Decimal(1), "tablet"),), strengths=listed, status="draft", judged=True)
    for given in (victim(amount=Decimal(amount), unit="mg"), tablet):
        assert isinstance(judge(given, cation(), **dose("victim", "holds", above="floor")), Fires) is (amount > 30)


@pytest.mark.parametrize(
    ("element", "salt", "listed"),
    [("calcium", "calcium-carbonate", name) for name in ("calcium", "Ca")]
    + [("zinc", "zinc-sulfate", name) for name in ("zinc", "zink", "Zn")],
)
def test_a_listed_element_is_not_its_salt(element: str, salt: str, listed: str) -> None:
    one = (Dosage(amount=Decimal(1), unit="tablet", per_day=Decimal(1)),)
    other = Strength("pyridoxine", Decimal(10), "mg", Decimal(1), "tablet")
    strengths = (Strength(listed, Decimal(30), "mg", Decimal(1), "tablet"), other)
    product = drug(salt, dosages=one, strengths=strengths)
    amount = Amount.model_validate(
        {"of": "product", "per": "dose", "element": element, "at_least": "floor", "unknown": "cannot-tell"}
    )
    patient = Patient(chart(product, salts=SALTS), Needs(), {})
    assert supplies(amount, [product], patient, Limits({"floor": Decimal(30)}, {})) is True
    assert supplies(amount, [product], patient, Limits({"floor": Decimal("30.01")}, {})) is False
