"""risk-condition-mg-baseline (catalogue, section 11): a risk of low magnesium, not measured in its interval."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cards._families.kidney_function.family import kidney_function
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

MAGNESIUM = "magnesium-serum"
BOWEL = ("short-bowel", "high-output-stoma")
GUT = ("coeliac-disease", "inflammatory-bowel-disease", "chronic-pancreatitis", "cystic-fibrosis")
CONDITIONS = (
    "alcohol-withdrawal", "diabetic-ketoacidosis", "acute-pancreatitis", "hungry-bone", "alcohol-use-disorder", *BOWEL,
    "malnutrition", "eating-disorder", "diarrhoea", "chronic-diarrhoea", "bariatric-malabsorptive", "type-2-diabetes",
)  # fmt: skip
PROCEDURES = ("parathyroidectomy", "parenteral-nutrition", "bariatric-malabsorptive")
RHYTHM = ("arrhythmia", "atrial-fibrillation", "ventricular-arrhythmia", "ventricular-ectopy")


class Row(msgspec.Struct, frozen=True):
    """One risk condition: the phrase that names it, its limit for the interval, the facts behind it.

    beside  what makes the condition a risk, where it is not one alone
    acute   only meaningful in hospital
    urgent  a warning when magnesium was not measured for two days in hospital
    """

    id: str
    interval: str
    because: tuple[Fact, ...]
    beside: Fact | None = None
    acute: bool = False
    urgent: bool = False

    @property
    def name(self) -> Phrase:
        """How the card names it."""
        beside: Value = self.beside
        if isinstance(self.beside, Result):
            beside = Phrase("beside-hba1c", {"hba1c": self.beside})
        return Phrase(self.id, {"beside": beside})


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when a risk condition is present and magnesium was not measured within the interval that goes with it."""
    found = [*_conditions(patient, k), *_polypharmacy(patient, k)]
    rows = [row for row in found if patient.inpatient or not row.acute]
    if not rows:
        if found and patient.stay is None:
            raise CannotTellError("encounter")
        return NotApplicable("no risk condition")
    due = [row for row in rows if patient.not_measured_within(MAGNESIUM, k.span(row.interval))]
    if not due:
        return Satisfied(tuple(fact for row in rows for fact in row.because))
    if not patient.surely_not_ordered(MAGNESIUM, k.span("ordered")):
        return NotApplicable("magnesium is already ordered")
    potassium = _low_potassium(patient, due, k)
    unwatched = patient.inpatient and any(row.urgent for row in due)
    urgent = potassium is not None or (unwatched and patient.not_measured_within(MAGNESIUM, k.span("urgent_after")))
    facts = tuple(dict.fromkeys(fact for row in due for fact in row.because))
    return Fires(
        "urgent" if urgent else "due",
        because=facts if potassium is None else (*facts, potassium),
        values={
            "reason": due[0].name,
            "span": Phrase(f"span-{due[0].interval}"),
            "reasons": Listing(tuple(row.name for row in due)),
        },
        notes=("low-potassium",) if potassium is not None else (),
    )


def _low_potassium(patient: Patient, due: list[Row], k: Limits) -> Result | None:
    """A low potassium of the last week in short bowel or high-output stoma."""
    potassium = patient.latest("potassium", k.span("potassium_window"))
    if potassium is None or not potassium.below(k["potassium_low"]):
        return None
    return potassium if any(row.id == "row-short-bowel" for row in due) else None


def _conditions(patient: Patient, k: Limits) -> Iterator[Row]:
    if (
        patient.has_confirmed(*CONDITIONS) is not None
        or patient.underwent(*PROCEDURES) is not None
        or patient.taking("parenteral-nutrition")
    ):
        yield from _acute(patient, k)
        yield from _chronic(patient, k)


def _acute(patient: Patient, k: Limits) -> Iterator[Row]:
    """What is of now: withdrawal, pancreatitis, ketoacidosis, the days after parathyroidectomy."""
    window = k.span("acute_window")
    if withdrawal := patient.has_confirmed("alcohol-withdrawal", within=window):
        yield Row("row-withdrawal", "acute", (withdrawal,), acute=True, urgent=True)
    if ketoacidosis := patient.has_confirmed("diabetic-ketoacidosis", within=window):
        yield Row("row-ketoacidosis", "acute", (ketoacidosis,), acute=True, urgent=True)
    if pancreatitis := patient.has_confirmed("acute-pancreatitis", within=window):
        yield Row("row-pancreatitis", "acute", (pancreatitis,), acute=True)
    bone = patient.underwent("parathyroidectomy", within=k.span("surgery_window"))
    if bone := bone or patient.has_confirmed("hungry-bone", within=window):
        yield Row("row-parathyroidectomy", "acute", (bone,), acute=True)


def _chronic(patient: Patient, k: Limits) -> Iterator[Row]:
    if alcohol := patient.has_confirmed("alcohol-use-disorder"):
        yield Row("row-alcohol", "acute" if patient.inpatient else "alcohol", (alcohol,))
    if bowel := patient.has_confirmed("short-bowel"):
        yield Row("row-short-bowel", "month", (bowel,), urgent=True)
    elif stoma := patient.has_confirmed("high-output-stoma"):
        yield Row("row-short-bowel", "month", (stoma,))
    fed = patient.underwent("parenteral-nutrition", within=k.span("month"), lasting=True)
    if feeding := patient.taking("parenteral-nutrition") or (() if fed is None else (fed,)):
        yield Row("row-parenteral-nutrition", "month", feeding)
    if wasted := patient.has_confirmed("malnutrition", "eating-disorder"):
        yield Row("row-malnutrition", "month", (wasted,))
    chronic = patient.has_confirmed("chronic-diarrhoea")
    lasting = chronic is not None and (
        chronic.at is None or patient.as_of.days_since(chronic.at) >= k.span("diarrhoea_from").days
    )
    if chronic is not None and lasting:
        yield Row("row-diarrhoea", "diarrhoea", (chronic,))
    loose = chronic or patient.has_confirmed("diarrhoea", within=k.span("diarrhoea_window"))
    if loose is not None and (gut := patient.has_confirmed(*GUT)):
        yield Row("row-gut", "year", (gut, loose))
    bypass = patient.underwent("bariatric-malabsorptive") or patient.has_confirmed("bariatric-malabsorptive")
    if bypass is not None:
        yield Row("row-bariatric", "year", (bypass,))
    if reasons := _diabetes(patient, k):
        yield Row("row-diabetes", "year", reasons, beside=reasons[1])


def _diabetes(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """Type 2 diabetes with something beside it; diabetes alone is no reason."""
    diabetes = patient.has_confirmed("type-2-diabetes")
    if diabetes is None:
        return ()
    beside: list[Fact] = [*patient.taking("ppi", "diuretic")]
    hba1c, rhythm, ckd = patient.latest("hba1c"), patient.has_confirmed(*RHYTHM), patient.has_confirmed("ckd")
    if hba1c is not None and hba1c.at_least(k["hba1c_high"]):
        beside.append(hba1c)
    if rhythm is not None:
        beside.append(rhythm)
    if ckd is not None:
        kidney = patient.ask(kidney_function)
        basis = kidney.basis
        bound = kidney.egfr is None and isinstance(basis, Result) and basis.at_least(k["ckd_mild"])
        if bound or (kidney.egfr is not None and kidney.egfr >= k["ckd_mild"]):
            beside.append(ckd)
    return (diabetes, *beside) if beside else ()


def _polypharmacy(patient: Patient, k: Limits) -> tuple[Row, ...]:
    """Old age with many drugs, a proton pump inhibitor or a glucose-lowering drug among them."""
    if not patient.aged_at_least(k["age"]):
        return ()
    culprits = patient.taking("ppi", "antidiabetic")
    enough = culprits and patient.identified_drugs() >= k["drugs"]
    return (Row("row-polypharmacy", "year", culprits),) if enough else ()
