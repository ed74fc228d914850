"""digoxin-low-mg-k: digoxin together with low potassium or magnesium, or without anyone having looked."""

from __future__ import annotations

from cards._families.calcium_basis.family import calcium_basis
from cards._families.kidney_function.family import kidney_function
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

SIGNS = (
    "ventricular-arrhythmia", "ventricular-ectopy", "arrhythmia", "heart-block", "av-block", "bradycardia",
    "nausea-anorexia", "vomiting", "visual-disturbance",
)  # fmt: skip
STARTS = ("order-select", "order-sign")
CONCEPTS = {"potassium": "potassium", "magnesium-serum": "magnesium"}
NAMES = {concept: Phrase(name) for concept, name in CONCEPTS.items()}


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on digoxin with potassium or magnesium that is low, not measured, or at the start not yet at its target."""
    drugs = patient.taking("digoxin") + patient.judged("digoxin")
    if not drugs:
        return NotApplicable("no digoxin")
    potassium = patient.latest("potassium", k.span("window"))
    mg = patient.latest("magnesium-serum", k.span("window"))
    known = tuple([result for result in (potassium, mg) if result is not None])
    low = tuple([r for r in known if r.below(k["k_low" if r.concept == "potassium" else "mg_low"])])
    if low:
        return _low(patient, k, drugs, known, low)
    diuretic = patient.taking("diuretic")
    span = k.span("unmeasured_diuretic" if diuretic else "unmeasured")
    missing = tuple(concept for concept in CONCEPTS if patient.not_measured_within(concept, span))
    if missing:
        ppi = patient.taking("ppi")
        values: dict[str, Value] = {
            "missing": Phrase("both" if len(missing) > 1 else CONCEPTS[missing[0]]),
            "days": span.days,
        }
        notes = ("ppi",) if ppi else ()
        severity = Severity.WARNING if ppi else Severity.INFO
        return Fires("unknown", severity, (), (*drugs, *known, *diuretic, *ppi), values, notes, _unknown(patient, k))
    below_target = tuple(r for r in known if r.below(k["k_target" if r.concept == "potassium" else "mg_target"]))
    if below_target and patient.hook in STARTS and patient.surely_without("digoxin"):
        values = {"values": _listed(below_target)}
        return Fires("start", because=below_target, also=drugs, values=values, unknown=_unknown(patient, k))
    return Satisfied(known)


def _low(
    patient: Patient, k: Limits, drugs: tuple[Exposure, ...], known: tuple[Result, ...], low: tuple[Result, ...]
) -> Fires:
    """Critical by a very low value, both low, a high level, or signs; by fresh results alone where that is possible."""
    level = patient.latest("digoxin-level", k.span("window"))
    sign = patient.has(*SIGNS, within=k.span("signs_window"))
    ways: list[tuple[Fact, ...]] = [
        (r,) for r in low if r.below(k["k_severe" if r.concept == "potassium" else "mg_severe"])
    ]
    if low == known and len(low) > 1:
        ways.append(low)
    if sign is not None:
        ways += [(r, sign) for r in low]
    if level is not None and level.above(k["level_high"]):
        ways += [(r, level) for r in low]
    if not ways:
        decides: tuple[Fact, ...] = low
    else:
        decides = min(ways, key=_aged) if _aged(ways[0]) else ways[0]
    shown = tuple([fact for fact in (*known, level, sign) if fact is not None])
    values = {"values": _listed(low)}
    measured = [r.concept for r in known]
    unknown = tuple([phrase for concept, phrase in CONCEPTS.items() if concept not in measured])
    return Fires(
        "severe" if ways else "low",
        because=decides,
        also=(*drugs, *shown),
        values=values,
        notes=_notes(patient, k),
        unknown=unknown + _unknown(patient, k),
    )


def _aged(way: tuple[Fact, ...]) -> bool:
    return bool([fact for fact in way if type(fact) is Result and fact.age != "fresh"])


def _listed(results: tuple[Result, ...]) -> Listing:
    return Listing(tuple([Phrase("named", {"result": r, "name": NAMES[r.concept]}) for r in results]))


def _notes(patient: Patient, k: Limits) -> tuple[str | Phrase, ...]:
    """Lines about high calcium and falling kidney function, which add to the toxicity of digoxin."""
    notes: list[str | Phrase] = []
    calcium = patient.ask(calcium_basis)
    if calcium.high is not None:
        grade = ("mild", "moderate", "severe")[calcium.high]
        notes.append(Phrase("hypercalcaemia", {"ca": calcium.shown, "grade": Phrase(grade)}))
    kidney = patient.ask(kidney_function)
    if kidney.aki is True:
        notes.append("aki")
    values = [r for r in patient.series("egfr", k.span("egfr_window")) if not r.comparator]
    if values:
        highest = max(values, key=lambda r: r.value)
        if values[0].value <= highest.value * (1 - k["egfr_fall"]):
            notes.append(Phrase("egfr-fall", {"now": values[0], "before": highest}))
    return tuple(notes)


def _unknown(patient: Patient, k: Limits) -> tuple[str, ...]:
    unknown = [] if patient.ask(kidney_function).known else ["unknown-egfr"]
    if patient.latest("digoxin-level", k.span("window")) is None:
        unknown.append("unknown-digoxin-level")
    return tuple(unknown)
