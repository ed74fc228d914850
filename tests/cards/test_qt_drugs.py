"""When two drugs that lengthen QT are one substance."""

from __future__ import annotations

from cards._families.qt_drugs.family import contains
from cds_service.facts.records import Exposure
from tests.cards.drugs import drug


def classified(atc: str) -> Exposure:
    """A drug of which only the ATC class is known."""
    return drug("", ingredients=frozenset(), atc=frozenset({atc}))


def test_drugs_that_share_an_ingredient_are_one_substance() -> None:
    assert contains((drug("haloperidol"),), drug("haloperidol"))
    assert not contains((drug("haloperidol"),), drug("citalopram"))


def test_drugs_of_which_only_the_class_is_known_are_one_substance_when_the_class_is_the_same() -> None:
    assert contains((classified("N05AD99"),), classified("N05AD99"))
    assert not contains((classified("N05AD99"), drug("haloperidol")), classified("J01MA99"))
