"""vitd-low (catalogue section 6): a 25-OH vitamin D that asks for vitamin D."""

from __future__ import annotations

from cards._families.calcium_basis.family import calcium_basis
from cards._families.pregnancy.family import pregnancy
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import CannotTell, Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

MALABSORPTION = (
    "malabsorption",
    "coeliac-disease",
    "inflammatory-bowel-disease",
    "short-bowel",
    "chronic-pancreatitis",
    "cystic-fibrosis",
    "bariatric-malabsorptive",
)


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Severe, deficient, or (for the elderly, fragile bones and pregnancy) insufficient; unless treated since."""
    d = patient.latest("vitamin-d")
    if d is None:
        return NotApplicable(patient.absent("vitamin-d"))
    if not d.below(k["insufficient"]):
        return Satisfied((d,))
    use = _use(patient)
    since = tuple(drug for drug in use if drug.since is not None and drug.since.latest > d.at.earliest)
    if since:
        return Satisfied((d, *since))
    if _is_only_d3(patient, d, k):
        return CannotTell(("vitamin-d",), (d,))
    if not d.below(k["deficient"]):
        return _insufficient(patient, d, use, k)
    severe = d.below(k["severe"])
    if cause := _losing_minerals(patient):
        notes = ("osteomalacia",) if severe else ()
        return _fires(patient, "complicated", (d, *cause[0]), use, cause[1], notes)
    if severe:
        return _fires(patient, "severe", (d,), use)
    bone = patient.has("osteoporosis", "bone-disease")
    if bone is not None:
        return _fires(patient, "deficient", (d, bone), use, notes=("bone",), severity=Severity.WARNING)
    return _fires(patient, "deficient", (d,), use)


def _insufficient(patient: Patient, d: Result, use: tuple[Exposure, ...], k: Limits) -> Outcome:
    """Enough for most adults: only those who need more get a card, and the others must surely not be among them."""
    reason: Fact | None = patient.has("osteoporosis") or next(iter(patient.taking("antiresorptive")), None)
    if reason is not None:
        return _fires(patient, "insufficient", (d, reason), use, Phrase("because-of", {"reason": reason}))
    if patient.aged_at_least(k["elderly"]):
        return _fires(patient, "insufficient", (d,), use, Phrase("elderly", {"age": k["elderly"]}))
    expecting = patient.ask(pregnancy)
    if expecting is not None:
        return _fires(patient, "insufficient", (d, expecting), use, Phrase("pregnant"))
    patient.surely_free_of("osteoporosis")
    patient.surely_without("antiresorptive")
    return Satisfied((d,))


def _fires(
    patient: Patient,
    variant: str,
    because: tuple[Fact, ...],
    use: tuple[Exposure, ...],
    reason: Phrase | None = None,
    notes: tuple[str, ...] = (),
    severity: Severity | None = None,
) -> Fires:
    action = "check-use" if use else "consider" if variant == "insufficient" else "give"
    step = Phrase(f"{action}-step", {"drug": use[0]} if use else {})
    values = {"d": because[0], "reason": reason, "action": Phrase(action), "step": step}
    unknown = () if use else _unknown_drugs(patient)
    return Fires(variant, severity, because, use, values, notes, unknown)


def _use(patient: Patient) -> tuple[Exposure, ...]:
    """Vitamin D in use. Active vitamin D (alfacalcidol, calcitriol) does not raise 25-OH vitamin D."""
    return tuple(drug for drug in patient.taking("vitamin-d") if "vitamin-d-active" not in drug.groups)


def _is_only_d3(patient: Patient, d: Result, k: Limits) -> bool:
    """D2 was reported in the same draw and no total beside its parts: what is called vitamin D is D3 alone."""
    if patient.near("vitamin-d2", d.at, k.span("same_draw")) is None:
        return False
    return all(r is d or r.at != d.at for r in patient.series("vitamin-d"))


def _losing_minerals(patient: Patient) -> tuple[tuple[Fact, ...], Phrase] | None:
    """Low calcium or malabsorption, with how to name it."""
    calcium = patient.ask_or(calcium_basis, None)
    if calcium is not None and calcium.low is not None:
        return calcium.because, Phrase("low-calcium", {"calcium": calcium.shown})
    gut = patient.has(*MALABSORPTION) or patient.underwent("bariatric-malabsorptive")
    return None if gut is None else ((gut,), Phrase("because-of", {"reason": gut}))


def _unknown_drugs(patient: Patient) -> tuple[str, ...]:
    try:
        patient.surely_without("vitamin-d")
    except CannotTellError:
        return ("unknown-drugs",)
    return ()
