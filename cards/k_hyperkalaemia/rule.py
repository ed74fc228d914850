"""k-hyperkalaemia (catalogue section 4): a high potassium in its band, heavier with drugs, a rise, signs or illness."""

from __future__ import annotations

from cards._families.dialysis.family import dialysis
from cards._families.kidney_function.family import kidney_function
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Problem, Result

CONTRIBUTORS = (
    "raas-inhibitor", "mra", "k-sparing", "potassium", "trimethoprim-group", "nsaid", "heparin-group",
    "calcineurin-inhibitor", "beta-blocker-nonselective", "pentamidine", "drospirenone",
)  # fmt: skip
SIGNS = (
    "ventricular-arrhythmia", "ecg-change", "heart-block", "bradycardia", "arrhythmia", "atrial-fibrillation",
    "muscle-weakness", "paralysis",
)  # fmt: skip
ILLNESS = (
    "sepsis", "diabetic-ketoacidosis", "tumour-lysis", "respiratory-failure", "acute-pancreatitis",
    "myocardial-infarction", "dehydration", "vomiting",
)  # fmt: skip


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires from 5.5 (in dialysis 6.0): a warning from 6.0 or with a cause, critical from 6.5 or with signs."""
    potassium = patient.latest("potassium")
    if potassium is None:
        return NotApplicable(patient.absent("potassium"))
    if not potassium.at_least(k["mild"]):
        return Satisfied((potassium,))
    sample = patient.ask(sample_quality)
    if sample.replaces_high("potassium"):
        return NotApplicable("sample-quality-repeat")
    on_dialysis = patient.ask_or(dialysis, None)
    if on_dialysis is not None and not potassium.at_least(k["moderate"]):
        return NotApplicable("dialysis")
    drugs, level, earlier = _drugs(patient), _toxic_level(patient, k), _earlier(patient, potassium, k)
    signs = _signs(patient, k, on_dialysis)
    band = _variant(potassium, k)
    worse = bool(drugs) or level is not None or earlier is not None
    beside: tuple[Fact | None, ...] = (on_dialysis, level, earlier)
    notes = (
        ("drugs", bool(drugs)),
        ("digoxin-level", level is not None),
        ("risen", earlier is not None),
        ("dialysis", on_dialysis is not None),
        ("sample", sample.doubts("potassium")),
        ("magnesium", True),
    )
    values: dict[str, Value] = {"k": potassium, "drugs": Listing(drugs), "level": level, "earlier": earlier}
    return Fires(
        "signs" if band == "moderate" and signs else band,
        severity=Severity.WARNING if band == "mild" and worse else None,
        because=(potassium,),
        also=(*signs, *drugs, *(fact for fact in beside if fact is not None)),
        values={**values, "sign": _named(signs)},
        notes=tuple(name for name, holds in notes if holds),
        unknown=() if patient.ask(kidney_function).known else ("unknown-egfr",),
    )


def _variant(potassium: Result, k: Limits) -> str:
    if potassium.at_least(k["severe"]):
        return "severe"
    return "moderate" if potassium.at_least(k["moderate"]) else "mild"


def _drugs(patient: Patient) -> tuple[Exposure, ...]:
    return tuple([drug for drug in patient.taking(*CONTRIBUTORS) if not drug.is_local])


def _toxic_level(patient: Patient, k: Limits) -> Result | None:
    """The digoxin level that makes digoxin toxicity a cause."""
    if not patient.taking("digoxin"):
        return None
    level = patient.latest("digoxin-level", k.span("digoxin_window"))
    return level if level is not None and level.above(k["digoxin_level"]) else None


def _earlier(patient: Patient, potassium: Result, k: Limits) -> Result | None:
    """The lowest exact potassium of the two weeks before, when the rise from it is large enough."""
    if potassium.comparator:
        return None
    at, window = potassium.at.earliest, k.span("rise_window")
    before = [
        r
        for r in patient.series("potassium")
        if not r.comparator and r.at.earliest < at and at - r.at.earliest <= window
    ]
    lowest = min(before, key=lambda r: r.value, default=None)
    return lowest if lowest is not None and potassium.value - lowest.value >= k["rise"] else None


def _signs(patient: Patient, k: Limits, on_dialysis: Problem | None) -> tuple[Fact, ...]:
    """ECG change, arrhythmia, weakness or acute illness of the last 72 h, or acute kidney injury."""
    window = k.span("signs_window")
    found: list[Fact] = []
    if patient.has(*SIGNS, *ILLNESS, within=window) is not None:
        found = [p for group in (*SIGNS, *ILLNESS) if (p := patient.has(group, within=window)) is not None]
    qtc = patient.latest("qtc", window)
    if qtc is not None and qtc.at_least(k["qtc_long"]):
        found.append(qtc)
    if patient.ask(kidney_function).aki is True and on_dialysis is None:
        injury = patient.has("aki") or patient.latest("creatinine")
        found += [] if injury is None else [injury]
    return tuple(found)


def _named(signs: tuple[Fact, ...]) -> Value:
    """The first sign as the summary names it; a creatinine stands for acute kidney injury."""
    first = signs[0] if signs else None
    if isinstance(first, Result):
        return Phrase("measured", {"result": first}) if first.concept == "qtc" else Phrase("aki")
    return first
