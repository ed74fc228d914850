"""The latest 24-hour urine magnesium: whether it may be interpreted, and the serum magnesium that goes with it."""

from __future__ import annotations

import msgspec

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_dosing.family import magnesium_dosing, time_since_dose
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

OLD = ("stale", "ignored")


class UrineCollection(msgspec.Struct, frozen=True):
    """One collection; `problem` says why it must not be interpreted, empty when it may.

    serum    the nearest usable serum magnesium within 7 days that says something about stores
    checks   volume and creatinine excretion, as far as delivered
    small    creatinine excretion is below what is usual, in someone with little muscle
    """

    magnesium: Result
    problem: str
    serum: Result | None
    checks: tuple[Result, ...]
    small: bool

    @property
    def checked(self) -> bool:
        """Whether both volume and creatinine excretion were delivered."""
        return len(self.checks) == len(("volume", "creatinine"))


def urine_collection(patient: Patient, k: Limits) -> UrineCollection | None:
    """The latest collection, None when there is no fresh or recent one."""
    magnesium = patient.latest("magnesium-urine-24h")
    if magnesium is None:
        return None
    volume = patient.near("urine-volume-24h", magnesium.at, k.span("collection"))
    creatinine = patient.near("creatinine-urine-24h", magnesium.at, k.span("collection"))
    small = creatinine is not None and creatinine.below(k["creatinine_least_" + _sex(patient, "women")])
    problem = _unsuited(patient, magnesium, k)
    if volume is not None and (volume.below(k["volume_least"]) or volume.above(k["volume_most"])):
        problem = problem or "the collection is not plausible by its volume"
    if creatinine is not None and creatinine.above(k["creatinine_most_" + _sex(patient, "men")]):
        problem = problem or "the collection is not plausible by its creatinine"
    if small and not _has_little_muscle(patient, k):
        problem = problem or "the collection is incomplete by its creatinine"
    checks = tuple(result for result in (volume, creatinine) if result is not None)
    return UrineCollection(magnesium, problem, _serum(patient, magnesium, k), checks, small)


def _sex(patient: Patient, unknown: str) -> str:
    """Whose limits of creatinine excretion hold; `unknown` names the wider one."""
    return {"male": "men", "female": "women"}.get(patient.sex or "", unknown)


def _unsuited(patient: Patient, magnesium: Result, k: Limits) -> str:
    if patient.ask(kidney_function).below(k["egfr_floor"]):
        return "kidney function is too low for a 24 h urine magnesium"
    window = k.span("infusion") + k.span("collection")
    for infusion in patient.taking("magnesium") + patient.took("magnesium"):
        after = time_since_dose(magnesium, infusion) if infusion.route == "intravenous" else None
        if after is not None and after < window:
            return "magnesium was infused shortly before or during the collection"
    return ""


def _has_little_muscle(patient: Patient, k: Limits) -> bool:
    bmi = patient.latest("bmi")
    return patient.aged_at_least(k["small_from_age"]) or (bmi is not None and bmi.below(k["small_below_bmi"]))


def _serum(patient: Patient, magnesium: Result, k: Limits) -> Result | None:
    """Not one that is too old to count, and not one drawn soon after an infusion, unless it is low all the same."""
    serum = patient.near("magnesium-serum", magnesium.at, k.span("serum_near"))
    if serum is None or serum.age in OLD:
        return None
    after_dose = patient.ask(magnesium_dosing).spoils(serum) is not None
    return None if after_dose and not serum.below(k["serum_low"]) else serum
