"""qtc-prolonged: a long QTc, and whether drugs or electrolytes make it dangerous."""

from __future__ import annotations

from cards._families.qt_drugs.family import qt_drugs, unread_lists
from cards._families.qtc_reading.family import QtcReading, qtc_reading
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CONCEPTS = {"potassium": "potassium", "magnesium-serum": "magnesium"}


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Very long or quickly rising: critical with a QT drug, low or unmeasured electrolytes; from 480: a warning."""
    reading = patient.ask(qtc_reading)
    qtc = reading.result
    if qtc is None:
        return NotApplicable(patient.absent("qtc"))
    rises = reading.rise is not None and reading.rise >= k["rise"]
    very_long = qtc.at_least(k["very_long"])
    if very_long or (qtc.at_least(k["long"]) and rises):
        return _severe(patient, k, reading, qtc)
    if not qtc.at_least(k["long"]) and not rises:
        return Satisfied((qtc,))
    return _fires(patient, k, reading, qtc, "long" if qtc.at_least(k["long"]) else "rising", Severity.WARNING)


def _severe(patient: Patient, k: Limits, reading: QtcReading, qtc: Result) -> Fires:
    """Critical when anything makes torsade likelier, or when nobody looked at potassium or magnesium around the ECG."""
    reasons: list[Fact] = list(patient.ask(qt_drugs).distinct)
    limits = {"potassium": "k_low", "magnesium-serum": "mg_low"}
    reasons += [r for c, limit in limits.items() if (r := patient.latest(c)) is not None and r.below(k[limit])]
    unmeasured = _unmeasured(patient, k, qtc)
    if not reasons and not unmeasured:
        return _fires(patient, k, reading, qtc, "isolated", Severity.WARNING)
    fresh = [reason for reason in reasons if not isinstance(reason, Result) or reason.age == "fresh"]
    because = () if unmeasured else tuple((fresh or reasons)[:1])
    return _fires(patient, k, reading, qtc, "severe", Severity.CRITICAL, tuple(reasons), because)


def _fires(
    patient: Patient, k: Limits, reading: QtcReading, qtc: Result, variant: str, severity: Severity,
    reasons: tuple[Fact, ...] = (), decisive: tuple[Fact, ...] = (),
) -> Fires:  # fmt: skip
    """The card; the earlier QTc may be old, so that it is shown and does not decide how fresh the card is."""
    widened = patient.has("conduction-widening")
    notes: list[str | Phrase] = []
    if reasons:
        named = tuple(_named(reason) for reason in reasons)
        notes.append(Phrase("reasons", {"reasons": Listing(named)}))
    if reading.rise is not None and reading.rise >= k["rise"]:
        notes.append(Phrase("rise", {"rise": reading.rise, "earlier": reading.earlier}))
    if widened is not None:
        severity = Severity(severity - 1)
        notes.append("widened")
    if "by-bazett" in qtc.flags:
        notes.append("bazett")
    values: dict[str, Value] = {"qtc": qtc, "rise": reading.rise}
    measured = [r for concept in CONCEPTS if (r := patient.latest(concept)) is not None]
    found = (*reasons, *measured, reading.earlier, widened, *patient.ask(qt_drugs).judged)
    also = tuple(dict.fromkeys(fact for fact in found if fact is not None))
    unmeasured = tuple(CONCEPTS[concept] for concept in _unmeasured(patient, k, qtc))
    unknown = (*unmeasured, *unread_lists(patient))
    return Fires(variant, severity, (qtc, *decisive), also, values, tuple(notes), unknown)


def _unmeasured(patient: Patient, k: Limits, qtc: Result) -> list[str]:
    """What has no exact value in the 24 h before or after the ECG; not delivered counts as not known."""
    near = {concept: patient.near(concept, qtc.at, k.span("around")) for concept in CONCEPTS}
    return [concept for concept, result in near.items() if result is None or result.comparator]


def _named(reason: Fact) -> Fact | Phrase:
    return Phrase("named-result", {"result": reason}) if isinstance(reason, Result) else reason
