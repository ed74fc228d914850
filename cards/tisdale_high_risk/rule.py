"""tisdale-high-risk: the published risk score of QT prolongation, when an inpatient is prescribed a QT drug."""

from __future__ import annotations

from typing import NamedTuple

from cards._families.qt_drugs.family import QtDrugs, qt_drugs, unread_lists
from cards._families.qtc_reading.family import qtc_reading
from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


class Term(NamedTuple):
    """One term of the score: its name, whether it scores, where that was read (None: nowhere), and its points."""

    name: str
    holds: bool
    source: Value
    points: int
    facts: tuple[Fact, ...] = ()


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Seven points or more is information, eleven or more a warning; not computed without potassium and QTc."""
    drugs = patient.ask(qt_drugs)
    if not drugs.judged:
        return NotApplicable("no QT-prolonging drug")
    if patient.stay is None:
        raise CannotTellError("encounter")
    if not patient.inpatient:
        return NotApplicable("not an inpatient")
    potassium, qtc = _of_this_stay(patient, patient.stay.started)
    terms = (*_person(patient, k), *_values(k, potassium, qtc), *_drugs(patient, k, drugs), *_diseases(patient, k))
    score = sum(term.points for term in terms if term.holds)
    if score < k["moderate"]:
        return Satisfied((potassium, qtc))
    found = [term for term in terms if term.holds or term.source is not None]
    mg = patient.latest("magnesium-serum")
    also = dict.fromkeys(fact for term in terms for fact in (*term.facts, *(() if mg is None else (mg,))))
    return Fires(
        "high" if score >= k["high"] else "moderate",
        because=(*drugs.judged, potassium, qtc),
        also=tuple(also),
        values={"drug": drugs.judged[0], "score": score, "moderate": k["moderate"], "high": k["high"]},
        notes=(
            Phrase("terms", {"terms": Listing(tuple(_line(term) for term in found), lines=True)}),
            *_absent([term for term in terms if term not in found]),
        ),
        unknown=_unknown(patient, mg),
    )


def _of_this_stay(patient: Patient, started: Moment | None) -> tuple[Result, Result]:
    """The latest potassium and QTc of the stay, both exact; raises CannotTellError naming what is missing."""
    if started is None:
        raise CannotTellError("start of the encounter")
    found = {"potassium": patient.latest("potassium"), "qtc": patient.ask(qtc_reading).result}
    usable = {name: r for name, r in found.items() if r is not None and not r.comparator and _since(r, started)}
    missing = [f"{name} of this encounter" for name in found if name not in usable]
    if missing:
        raise CannotTellError(*missing)
    return usable["potassium"], usable["qtc"]


def _since(result: Result, started: Moment) -> bool:
    return result.at.latest >= started.earliest


def _person(patient: Patient, k: Limits) -> tuple[Term, ...]:
    female = patient.sex == "female"
    return (
        Term("age", patient.aged_at_least(k["age_from"]), patient.age, int(k["age"])),
        Term("sex", female, None if patient.sex is None else Phrase(patient.sex), int(k["female"])),
    )


def _values(k: Limits, potassium: Result, qtc: Result) -> tuple[Term, ...]:
    return (
        Term("k", potassium.at_most(k["potassium_to"]), potassium, int(k["potassium"])),
        Term("qtc", qtc.at_least(k["qtc_from"]), qtc, int(k["qtc"])),
    )


def _drugs(patient: Patient, k: Limits, drugs: QtDrugs) -> tuple[Term, ...]:
    loops = patient.taking_or_ordering("loop-diuretic")
    distinct = drugs.distinct
    first, more = distinct[:1], distinct[1:]
    return (
        Term("loop", bool(loops), Listing(loops) if loops else None, int(k["loop_diuretic"]), loops),
        Term("one-drug", True, Listing(first), int(k["one_drug"]), first),
        Term("more-drugs", bool(more), Listing(more) if more else None, int(k["more_drugs"]), more),
    )


def _diseases(patient: Patient, k: Limits) -> tuple[Term, ...]:
    infarction = patient.has_confirmed("myocardial-infarction", within=k.span("infarction_window"))
    sepsis, failure = patient.has_confirmed("sepsis"), patient.has_confirmed("heart-failure")
    named = (("infarction", infarction), ("sepsis", sepsis), ("heart-failure", failure))
    return tuple(
        Term(name, problem is not None, problem, int(k[name.replace("-", "_")]), () if problem is None else (problem,))
        for name, problem in named
    )


def _line(term: Term) -> Phrase:
    points = term.points if term.holds else 0
    return Phrase("term", {"name": Phrase(f"term-{term.name}"), "source": term.source, "points": points})


def _absent(terms: list[Term]) -> tuple[Phrase, ...]:
    """What was found nowhere and counts zero; a lower score than the true one is possible."""
    if not terms:
        return ()
    return (Phrase("absent", {"terms": Listing(tuple(Phrase(f"term-{term.name}") for term in terms))}),)


def _unknown(patient: Patient, mg: Result | None) -> tuple[str, ...]:
    person = (("unknown-age", patient.age), ("unknown-sex", patient.sex), ("magnesium", mg))
    return (*(phrase for phrase, known in person if known is None), *unread_lists(patient))
