"""iron-deficiency (catalogue section 11): low ferritin, and what it means together with haemoglobin."""

from __future__ import annotations

from decimal import Decimal

from cards._families.pregnancy.family import pregnancy
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Ferritin below 15 or the laboratory's limit; with a low haemoglobin a warning in men and older women."""
    ferritin = patient.latest("ferritin")
    if ferritin is None:
        return NotApplicable(patient.absent("ferritin"))
    own = ferritin.range.low if ferritin.range is not None else None
    if not ferritin.below(k["ferritin"]) and (own is None or not ferritin.below(own)):
        return Satisfied((ferritin,))
    hb = _haemoglobin(patient, ferritin, k)
    if hb is None or not _low(patient, hb, k):
        named = Phrase("hb-unknown" if hb is None else "hb-normal")
        return _fires(patient, "iron-only", (ferritin,), () if hb is None else (hb,), named)
    reason = patient.has("post-menopausal")
    if patient.sex == "female" and reason is not None and not patient.aged_at_least(k["older_woman"]):
        return _fires(patient, "work-up", (ferritin, hb, reason), (), hb)
    older = patient.sex == "male" or patient.aged_at_least(k["older_woman"])
    return _fires(patient, "work-up" if older else "anaemia", (ferritin, hb), (), hb)


def _haemoglobin(patient: Patient, ferritin: Result, k: Limits) -> Result | None:
    """The newest haemoglobin of the months around the ferritin: anaemia that came after it counts."""
    at, window = ferritin.at.earliest, k.span("hb_window")
    return next((r for r in patient.series("haemoglobin") if abs(r.at.earliest - at) <= window), None)


def _low(patient: Patient, hb: Result, k: Limits) -> bool:
    """As the laboratory says (flag or range), else by sex and pregnancy; without a sex the limit for women."""
    if "lab-low" in hb.flags:
        return True
    if hb.range is not None and hb.range.low is not None:
        return hb.below(hb.range.low)
    return hb.below(_limit(patient, k))


def _limit(patient: Patient, k: Limits) -> Decimal:
    if patient.sex == "male":
        return k["hb_men"]
    return k["hb_women"] if patient.ask_or(pregnancy, None) is None else k["hb_pregnant"]


def _fires(
    patient: Patient, variant: str, because: tuple[Fact, ...], also: tuple[Result, ...], hb: Result | Phrase
) -> Fires:
    legs = patient.has("restless-legs")
    tired = patient.has("fatigue")
    iron = patient.taking("iron")
    notes: list[str | Phrase] = [] if legs is None else [Phrase("restless-legs", {"problem": legs})]
    notes += [Phrase("treated", {"drug": iron[0]})] if iron else []
    missing = ("unknown-haemoglobin",) if variant == "iron-only" and not also else ()
    return Fires(
        variant,
        because=because,
        also=(*also, *(problem for problem in (legs, tired) if problem is not None), *iron),
        values={"ferritin": because[0], "hb": hb},
        notes=tuple(notes),
        unknown=(*missing, *(() if patient.sex is not None else ("unknown-sex",))),
    )
