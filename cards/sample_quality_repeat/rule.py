"""sample-quality-repeat (catalogue section 2): repeat a doubtful sample before acting on it."""

from __future__ import annotations

from cards._families.sample_quality.family import SampleQuality, sample_quality
from cds_service.facts.outcomes import Fires, Listing, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result, Unusable


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when a latest result is doubtful as a sample and nothing forbids waiting for a repeat."""
    quality = patient.ask(sample_quality)
    doubts = _doubts(quality)
    if not doubts:
        return Satisfied(quality.edta + quality.haemolysed + quality.drip_arm)
    variant, first = doubts[0]
    results = tuple(dict.fromkeys(item for _, items in doubts for item in items if isinstance(item, Result)))
    urgent = any(_is_urgent(result, k) for result in results)
    also = (Phrase(f"also-{name}", {"results": _listing(items)}) for name, items in doubts[1:])
    return Fires(
        variant,
        severity=Severity.WARNING if urgent else None,
        because=results,
        values={"suspect" if variant == "unit-suspect" else "result": first[0]},
        notes=(*(("urgent",) if urgent else ()), *also),
    )


def _doubts(quality: SampleQuality) -> tuple[tuple[str, tuple[Result | Unusable, ...]], ...]:
    """Variant and results of every doubt that counts, most telling first. A value that is too dangerous to set aside
    keeps its own card; a unit that contradicts its range never gave one."""
    found: list[tuple[str, tuple[Result | Unusable, ...]]] = []
    if quality.replaced:
        found += [("edta", quality.edta), ("haemolysed", quality.haemolysed), ("drip-arm", quality.drip_arm)]
    found.append(("unit-suspect", quality.unit_suspect))
    return tuple((name, items) for name, items in found if items)


def _is_urgent(result: Result, k: Limits) -> bool:
    if result.concept == "potassium":
        return result.at_least(k["potassium_urgent"])
    return result.concept == "magnesium-serum" and result.at_least(k["magnesium_urgent"])


def _listing(items: tuple[Result | Unusable, ...]) -> Listing:
    printed: tuple[Value, ...] = tuple(Phrase("measured", {"result": i}) if isinstance(i, Result) else i for i in items)
    return Listing(printed)
