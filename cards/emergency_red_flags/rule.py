"""emergency-red-flags: signs of the last 24 hours that do not wait for a laboratory."""

from __future__ import annotations

from cards._families.calcium_basis.family import calcium_basis
from cards._families.pregnancy.family import pregnancy
from cards._families.qt_drugs.family import qt_drugs
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Problem, Result

ALONE = (
    "seizure", "tetany", "laryngospasm", "torsade", "ventricular-fibrillation", "ventricular-tachycardia",
    "ventricular-arrhythmia", "paralysis",
)  # fmt: skip
RHYTHMS = ("arrhythmia", "atrial-fibrillation")
ABOUT = ("qt-candidates", "antiarrhythmic", "digoxin", "diuretic", "magnesium", "potassium", "calcium")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Critical on any emergency sign, without waiting for results; for children text only."""
    found_by_group = [sign for group in reversed(ALONE) if (sign := _new(patient, k, group)) is not None]
    signs = list({(sign.ref, sign.name): sign for sign in found_by_group}.values())  # the narrowest group names it
    found: list[Fact] = [*signs, *_syncope(patient, k), *_rhythm(patient, k), *_toxicity(patient, k)]
    if not found:
        patient.complete("conditions")
        if _new(patient, k, "syncope", "respiratory-failure") is not None:
            patient.complete("medications")
        return NotApplicable("no emergency sign of the last 24 hours")
    drafts = patient.judged(*ABOUT) if patient.hook in ORDER_HOOKS else ()
    decides, shown = tuple(dict.fromkeys(found)), Listing(tuple(_named(fact) for fact in dict.fromkeys(found)))
    return Fires(
        "child" if _is_child(patient, k) else "emergency",
        because=tuple([fact for fact in decides if isinstance(fact, Problem)]) or decides,
        also=(*decides, *drafts),
        values={"signs": shown},
        notes=_notes(patient, k, signs),
    )


def _new(patient: Patient, k: Limits, *groups: str) -> Problem | None:
    """A problem dated in the window, or undated in a stay that began in it."""
    window = k.span("window")
    problem = patient.has(*groups, within=window)
    if problem is None or problem.at is not None:
        return problem
    started = patient.stay.started if patient.stay is not None else None
    return problem if started is not None and patient.as_of.within(started, window) else None


def _syncope(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """Syncope with a QT-prolonging drug, or with a potassium, magnesium or calcium that is known to be low."""
    syncope = _new(patient, k, "syncope")
    if syncope is None:
        return ()
    low: list[Fact] = [*patient.ask(qt_drugs).distinct]
    for concept, limit in (("potassium", "k_low"), ("magnesium-serum", "mg_low")):
        result = patient.latest(concept)
        low += [result] if result is not None and result.below(k[limit]) else []
    basis = patient.ask_or(calcium_basis, None)
    low += basis.because if basis is not None and basis.low is not None else ()
    return (syncope, *low) if low else ()


def _rhythm(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """A new arrhythmia with chest pain; chest pain alone is not for this card."""
    rhythm, pain = _new(patient, k, *RHYTHMS), _new(patient, k, "chest-pain")
    return (rhythm, pain) if rhythm is not None and pain is not None else ()


def _toxicity(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """Respiratory depression or a low blood pressure while intravenous magnesium runs."""
    infusions = [e for e in patient.taking("magnesium") if e.route == "intravenous"]
    if not infusions:
        return ()
    breathing = _new(patient, k, "respiratory-failure")
    pressure = patient.latest("systolic-blood-pressure", k.span("window"))
    low = pressure if pressure is not None and pressure.below(k["pressure_low"]) else None
    found: tuple[Fact, ...] = tuple([fact for fact in (breathing, low) if fact is not None])
    return (*found, infusions[0]) if found else ()


def _notes(patient: Patient, k: Limits, signs: list[Problem]) -> tuple[str, ...]:
    groups = {sign.group for sign in signs}
    seizure = "seizure" in groups
    childbed = patient.has("delivery", within=k.span("post_partum"))
    notes = (
        ("eclampsia", seizure and (childbed is not None or patient.ask_or(pregnancy, None) is not None)),
        ("torsade", _new(patient, k, "torsade") is not None),
        ("toxicity", bool(_toxicity(patient, k))),
        ("chest-pain", _new(patient, k, "chest-pain") is not None),
    )
    return tuple(name for name, holds in notes if holds)


def _is_child(patient: Patient, k: Limits) -> bool:
    return patient.age is not None and not patient.aged_at_least(k["adult"])


def _named(fact: Fact) -> Fact | Phrase:
    return Phrase("named-result", {"result": fact}) if isinstance(fact, Result) else fact
