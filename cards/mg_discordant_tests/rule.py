"""mg-discordant-tests: two magnesium tests of the same time that do not agree, and which of them to believe."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from cards._families.magnesium_loading.family import magnesium_retention
from cards._families.magnesium_tests.family import Reading, magnesium_tests
from cards._families.urine_collection.family import urine_collection
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


class Finding(msgspec.Struct, frozen=True):
    """One test that clearly lies below its limit, or clearly does not."""

    name: str
    result: Result
    low: bool


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """At least one test below its limit and another not below, within the window: say which weighs most."""
    found = [f for f in _findings(patient, k) if patient.as_of.within(f.result.at, k.span("window"))]
    low, normal = [f for f in found if f.low], [f for f in found if not f.low]
    if any(f.name == "test-serum" for f in low):
        normal = [f for f in normal if f.name != "test-urine"]  # renal loss, which its own rule explains
    if len(found) < len(("one", "another")):
        return NotApplicable("fewer than two magnesium tests that can be compared")
    if not low or not normal:
        return Satisfied(tuple(f.result for f in found))
    return Fires(
        "discordant",
        because=tuple(f.result for f in (*low, *normal)),
        values={
            "low": Listing(tuple(Phrase(f.name) for f in low)),
            "normal": Listing(tuple(Phrase(f.name) for f in normal)),
        },
    )


def _findings(patient: Patient, k: Limits) -> Iterator[Finding]:
    """The latest of each test, the weightiest first; what is grey or cannot be judged is left out."""
    retention = patient.ask_or(magnesium_retention, None)
    if retention is not None and not k["retained_normal"] < retention.percent < k["retained_low"]:
        yield Finding("test-load", retention.post, retention.percent >= k["retained_low"])
    collection = patient.ask(urine_collection)
    if collection is not None and not collection.problem:
        yield from _compared("test-urine", collection.magnesium, k["urine_low"])
    serum = patient.latest("magnesium-serum")
    if serum is not None:
        yield from _compared("test-serum", serum, k["serum_low"])
    tests = patient.ask(magnesium_tests)
    yield from _read("test-ionised", tests.ionised)
    yield from _read("test-rbc", tests.rbc)


def _compared(name: str, result: Result, limit: Decimal) -> Iterator[Finding]:
    if result.below(limit) or result.at_least(limit):
        yield Finding(name, result, result.below(limit))


def _read(name: str, reading: Reading | None) -> Iterator[Finding]:
    if reading is not None and reading.side in ("low", "normal", "high"):
        yield Finding(name, reading.result, reading.side == "low")
