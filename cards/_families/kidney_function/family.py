"""Kidney function (catalogue 1.6): the latest usable eGFR, else CKD-EPI 2021 from creatinine, else a G4/G5 diagnosis;
and whether there is acute kidney injury or dialysis."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from statistics import median

import msgspec

from cards._families.dialysis.family import dialysis
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem, Result


class KidneyFunction(msgspec.Struct, frozen=True):
    """eGFR in mL/min/1.73 m2 with the fact it rests on; `egfr` None = no exact value.

    basis     the result, or the coded G4/G5; a result beside `egfr` None is only a bound (">90", "<15")
    computed  from serum creatinine by CKD-EPI 2021; the card must say so
    advanced  below 30 by value, or by a coded G4/G5 when no value is known ("on the basis of the diagnosis")
    aki       True, False, or None when it cannot be judged (no earlier creatinine)
    """

    egfr: Decimal | None
    basis: Fact | None
    computed: bool
    by_diagnosis: bool
    aki: bool | None
    dialysis: Problem | None
    limit: Decimal

    @property
    def advanced(self) -> bool:
        """Below 30, in dialysis, in acute injury, or coded G4/G5 without a value."""
        return self.below(self.limit) or self.dialysis is not None or self.aki is True

    @property
    def known(self) -> bool:
        """Whether anything is known about clearance; of a bound: on which side of 30 it lies."""
        if isinstance(self.basis, Result):
            return self.egfr is not None or _settles(self.basis, self.limit) or self.advanced
        return self.by_diagnosis or self.dialysis is not None or self.aki is True

    def below(self, limit: Decimal) -> bool:
        """Proven below: by value or bound, or (for limits of 30 and more) by diagnosis."""
        if self.egfr is not None:
            return self.egfr < limit
        if isinstance(self.basis, Result):
            return self.basis.below(limit)
        return self.by_diagnosis and limit >= self.limit


def kidney_function(patient: Patient, k: Limits) -> KidneyFunction:
    """What is known now about the clearance of this patient."""
    on_dialysis = patient.ask_or(dialysis, None)
    aki = _acute_injury(patient, k)
    egfr = patient.latest("egfr")
    creatinine = patient.latest("creatinine")
    if egfr is not None and not egfr.comparator:
        return KidneyFunction(egfr.value, egfr, False, False, aki, on_dialysis, k["advanced_ckd"])
    if egfr is None and creatinine is not None and not creatinine.comparator:
        computed = _ckd_epi(creatinine, patient, k)
        if computed is not None:
            return KidneyFunction(computed, creatinine, True, False, aki, on_dialysis, k["advanced_ckd"])
    stage = patient.has("ckd-g5", "ckd-g4")
    if egfr is not None and (stage is None or _settles(egfr, k["advanced_ckd"])):
        return KidneyFunction(None, egfr, False, False, aki, on_dialysis, k["advanced_ckd"])
    return KidneyFunction(None, stage, False, stage is not None, aki, on_dialysis, k["advanced_ckd"])


def _settles(bound: Result, limit: Decimal) -> bool:
    return bound.below(limit) or bound.at_least(limit)


def _ckd_epi(creatinine: Result, patient: Patient, k: Limits) -> Decimal | None:
    """CKD-EPI 2021, whole mL/min/1.73 m2; None without age or sex, and for children: the equation is for adults.

    Of a year of birth alone it takes the youngest age, which is at most one year and so 0.6 % too high.
    """
    age, sex = patient.age, patient.sex
    if age is None or age < k["ckd_epi_adult"] or sex is None:
        return None
    ratio = float(creatinine.amount / k["umol_per_mg"]) / float(k["ckd_epi_kappa_" + sex])
    value = float(k["ckd_epi_scale"]) * float(k["ckd_epi_year"]) ** age
    value *= ratio ** float(k["ckd_epi_alpha_" + sex] if ratio < 1 else k["ckd_epi_high"])
    if sex == "female":
        value *= float(k["ckd_epi_female"])
    return Decimal(value).quantize(Decimal(1), ROUND_HALF_UP)


def _acute_injury(patient: Patient, k: Limits) -> bool | None:
    """Coded, or by the rise of creatinine against 48 h, 7 d or the year before; None without an earlier value."""
    if patient.has("aki") is not None:
        return True
    values = [r for r in patient.series("creatinine") if not r.comparator]
    if len(values) < 2 or values[0].age != "fresh":
        return None
    now, earlier = values[0], values[1:]
    past = [(now.at.earliest - r.at.earliest, r.value) for r in earlier]
    aki_window, near = k.span("aki_window"), k.span("baseline_near")
    close = [value for ago, value in past if ago <= aki_window]
    if close and now.value - min(close) >= k["aki_rise"]:
        return True
    week = [value for ago, value in past if ago <= near]
    baseline = min(week) if week else median([r.value for r in earlier])
    return now.value >= baseline * k["aki_ratio"]
