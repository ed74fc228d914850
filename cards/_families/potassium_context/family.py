"""How low potassium is and what makes that worse in this patient (catalogue: k-hypokalaemia).

Shared by the potassium rules, so that the rule about magnesium is never milder than the one about potassium alone.
"""

from __future__ import annotations

import msgspec

from cards._families.qt_drugs.family import systemic, unread_lists
from cds_service.facts.outcomes import Fact, Listing, Phrase, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Problem, Result

CAUSES = (
    "loop-diuretic", "thiazide", "laxative", "beta-agonist", "insulin", "corticosteroid", "amphotericin", "abiraterone",
    "liquorice", "xanthine", "aminoglycoside", "cisplatin",
)  # fmt: skip

SIGNS = (
    "ventricular-arrhythmia", "arrhythmia", "atrial-fibrillation", "heart-block", "bradycardia", "ecg-change",
    "long-qt", "paralysis",
)  # fmt: skip


class PotassiumContext(msgspec.Struct, frozen=True):
    """The latest potassium and what it means here.

    potassium      fresh or recent; None when there is none
    band           by the value alone: None = not low
    severity       the band, raised by the patient's drugs, diseases, fall or signs
    moderate       below 3.0: proven
    reasons        the facts that raised it (and the earlier potassium of a fall)
    causes         drugs on the list that lower potassium
    magnesium_risk digoxin, a QT drug or a diuretic: they make a missing magnesium matter more
    within_site_range   low by our limit, but within the laboratory's own reference interval
    unknown        lists that were not (completely) delivered and could have raised the severity (shared phrases)
    notes          the lines that both potassium cards add: what raised the severity, and which drugs may be the cause
    """

    potassium: Result | None
    band: Severity | None
    severity: Severity | None
    moderate: bool = False
    reasons: tuple[Fact, ...] = ()
    causes: tuple[Exposure, ...] = ()
    magnesium_risk: tuple[Exposure, ...] = ()
    within_site_range: bool = False
    unknown: tuple[str, ...] = ()
    notes: tuple[Phrase, ...] = ()


def potassium_context(patient: Patient, k: Limits) -> PotassiumContext:
    """The band of the latest potassium, and what raises it."""
    potassium = patient.latest("potassium")
    band = None if potassium is None else _band(potassium, k)
    if potassium is None or band is None:
        return PotassiumContext(potassium, None, None)
    reasons: tuple[Fact, ...] = ()
    severity = band
    if band is Severity.INFO:
        reasons = _mild_reasons(patient, potassium, k)
        severity = Severity.WARNING if reasons else band
    elif band is Severity.WARNING:
        reasons = _moderate_reasons(patient, k)
        severity = Severity.CRITICAL if reasons else band
    penicillins = tuple([e for e in patient.taking("penicillin") if e.route == "intravenous"])
    causes = patient.taking(*CAUSES) + penicillins
    return PotassiumContext(
        potassium,
        band,
        severity,
        potassium.below(k["moderate"]),
        reasons,
        causes,
        systemic(patient.taking("digoxin", "qt-candidates", "diuretic")),
        _within_site_range(potassium, k),
        unread_lists(patient),
        _notes(reasons, causes),
    )


def _band(potassium: Result, k: Limits) -> Severity | None:
    if potassium.below(k["severe"]):
        return Severity.CRITICAL
    if potassium.below(k["moderate"]):
        return Severity.WARNING
    return Severity.INFO if potassium.below(k["low"]) else None


def _mild_reasons(patient: Patient, potassium: Result, k: Limits) -> tuple[Fact, ...]:
    """What makes a mildly low potassium a warning."""
    diseases = (
        patient.has("atrial-fibrillation"),
        patient.has("heart-failure"),
        patient.has("ischaemic-heart-disease"),
        patient.has("cirrhosis"),
    )
    known = tuple(problem for problem in diseases if problem is not None)
    return systemic(patient.taking("digoxin", "qt-candidates")) + known + _fall(patient, potassium, k)


def _moderate_reasons(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """What makes a moderately low potassium critical: digoxin, or an ECG change, arrhythmia or paralysis now."""
    window = k.span("signs_window")
    signs: list[Problem] = []
    if patient.has(*SIGNS, within=window) is not None:
        signs = [found for sign in SIGNS if (found := patient.has(sign, within=window)) is not None]
    qtc = patient.latest("qtc", window)
    long_qtc = (qtc,) if qtc is not None and qtc.at_least(k["qtc"]) else ()
    return (*patient.taking("digoxin"), *signs, *long_qtc)


def _fall(patient: Patient, potassium: Result, k: Limits) -> tuple[Result, ...]:
    """The highest exact potassium of the week before, when the fall from it is large enough."""
    if potassium.comparator:
        return ()
    window, at = k.span("fall_window"), potassium.at.earliest
    earlier = [
        r
        for r in patient.series("potassium")
        if not r.comparator and r.at.earliest < at and at - r.at.earliest <= window
    ]
    highest = max(earlier, key=lambda r: r.value, default=None)
    return (highest,) if highest is not None and highest.value - potassium.value >= k["fall"] else ()


def _within_site_range(potassium: Result, k: Limits) -> bool:
    """The laboratory's own lower limit only changes the wording, and only a credible one."""
    own = potassium.range.low if potassium.range is not None else None
    return own is not None and own >= k["site_low_from"] and potassium.at_least(own)


def _notes(reasons: tuple[Fact, ...], causes: tuple[Exposure, ...]) -> tuple[Phrase, ...]:
    notes = []
    if reasons:
        notes.append(Phrase("potassium-raised-by", {"reasons": Listing(tuple([_named(reason) for reason in reasons]))}))
    if causes:
        notes.append(Phrase("potassium-causes", {"drugs": Listing(causes)}))
    return tuple(notes)


def _named(reason: Fact) -> Fact | Phrase:
    """A result needs its name in a sentence; drugs and diseases are names."""
    if type(reason) is not Result:
        return reason
    return Phrase("fell-from" if reason.concept == "potassium" else "named-result", {"result": reason})
