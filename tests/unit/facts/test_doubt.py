"""A view of a chart whose last word may be another one weighs what a plain view leaves out."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from cds_service.errors import CannotTellError, UndeclaredReadError
from cds_service.facts.declarations import FamilyKnowledge, Limits
from cds_service.facts.doubt import InDoubt
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Result
from cds_service.facts.snapshot import Snapshot
from tests.unit.engine.charts import result, snapshot

NEEDS = Needs(results=frozenset({"sodium"}), uses=frozenset({"family"}))
FINAL, PRELIMINARY = result("140"), result("139", flags=("preliminary",))
RIVAL = result("150")


def doubt(chart: Snapshot, *instead: Result, provisional: bool = False) -> InDoubt:
    return InDoubt(chart, NEEDS, {}, {one.concept: one for one in instead}, provisional=provisional)


def test_a_provisional_result_takes_part_only_when_asked_to() -> None:
    chart = snapshot(PRELIMINARY, FINAL)
    assert doubt(chart).last_known("sodium") is FINAL
    assert doubt(chart).series("sodium") == (FINAL,)
    assert doubt(chart, provisional=True).last_known("sodium") is PRELIMINARY
    assert doubt(chart, provisional=True).series("sodium") == (PRELIMINARY, FINAL)
    assert doubt(snapshot(), provisional=True).last_known("sodium") is None


@pytest.mark.parametrize("flag", ["preliminary", "page-incomplete"])
def test_every_flag_of_a_result_that_may_not_be_the_last_word_keeps_it_out(flag: str) -> None:
    chart = snapshot(result("139", flags=(flag,)), FINAL)
    assert Patient(chart, NEEDS, {}).series("sodium") == (FINAL,)
    assert Patient(chart, NEEDS, {}).latest("sodium") is FINAL


def test_a_rival_takes_the_place_of_the_latest_result() -> None:
    assert doubt(snapshot(FINAL), RIVAL).last_known("sodium") is RIVAL
    assert doubt(snapshot(FINAL), RIVAL, provisional=True).last_known("sodium") is RIVAL
    assert doubt(snapshot(FINAL), result("1", concept="chloride")).last_known("sodium") is FINAL


def test_a_rival_that_is_too_old_or_not_settled_does_not() -> None:
    ignored = msgspec.structs.replace(RIVAL, age="ignored")
    assert doubt(snapshot(FINAL), ignored).last_known("sodium") is FINAL
    assert doubt(snapshot(FINAL), PRELIMINARY).last_known("sodium") is FINAL
    assert doubt(snapshot(FINAL), PRELIMINARY, provisional=True).last_known("sodium") is PRELIMINARY
    assert doubt(snapshot(ignored), provisional=True).last_known("sodium") is None


def test_only_a_view_of_provisional_results_may_say_that_there_are_none() -> None:
    chart = snapshot(PRELIMINARY)
    assert doubt(chart, provisional=True).absent("sodium") == "no sodium result"
    with pytest.raises(CannotTellError, match="only provisional results"):
        doubt(chart).absent("sodium")


def test_what_is_not_declared_cannot_be_read_in_doubt_either() -> None:
    for provisional in (False, True):
        with pytest.raises(UndeclaredReadError, match="chloride"):
            doubt(snapshot(), provisional=provisional).series("chloride")


def test_a_shared_question_sees_the_same_doubt_and_its_answer_is_kept_apart() -> None:
    asked: list[Patient] = []

    def question(patient: Patient, k: Limits) -> Decimal | None:
        asked.append(patient)
        found = patient.latest("sodium")
        return None if found is None else found.value

    def outer(patient: Patient, k: Limits) -> Decimal | None:
        return patient.ask(question)

    needs = Needs(results=NEEDS.results, uses=frozenset({"family", "outer"}))
    families = {
        question: FamilyKnowledge("family", Limits({}, {}), needs),
        outer: FamilyKnowledge("outer", Limits({}, {}), needs),
    }
    chart = snapshot(FINAL)
    view = InDoubt(chart, needs, families, {"sodium": RIVAL}, provisional=False)
    assert (view.ask(outer), view.ask(question), Patient(chart, needs, families).ask(outer)) == (
        Decimal(150),
        Decimal(150),
        Decimal(140),
    )
    assert len(asked) == 2
