"""ca-hypercalcaemia (catalogue section 5): high calcium by ca-basis, heavier with symptoms, causal drugs or a rise."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.kidney_function.family import kidney_function
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")
CAUSES = ("thiazide", "lithium", "calcium", "vitamin-d", "teriparatide", "vitamin-a")
SYMPTOMS = (
    "confusion", "somnolence", "ventricular-arrhythmia", "arrhythmia", "bradycardia", "acute-pancreatitis",
    "dehydration", "vomiting", "nausea-anorexia", "polyuria", "constipation", "muscle-weakness",
)  # fmt: skip


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the calcium that counts is high; symptoms, drugs or a rise make mild a warning, signs the next one
    critical."""
    basis = patient.ask(calcium_basis)
    calcium, band = basis.result, basis.high
    if calcium is None:
        return NotApplicable("; ".join(patient.absent(c) for c in CALCIUM))
    if band is None:
        return Satisfied(basis.because)
    symptoms, causes, earlier = _symptoms(patient, k), patient.taking(*CAUSES), _earlier(patient, calcium, k)
    signs = symptoms if band is Severity.INFO else (*symptoms, *_signs(patient, k))
    worse = bool(symptoms or causes) or earlier is not None
    beside = () if earlier is None else (earlier,)
    raised = band is Severity.WARNING and bool(signs)
    notes = (
        ("symptoms", bool(symptoms) and not raised),
        ("discordant", basis.discordant),
        ("adjusted", not basis.discordant and basis.corrected),
        ("causes", bool(causes)),
        ("risen", earlier is not None),
    )
    values: dict[str, Value] = {"drugs": Listing(causes), "earlier": earlier, "sign": _named(signs)}
    return Fires(
        "signs" if raised else _variant(band),
        severity=Severity.WARNING if band is Severity.INFO and worse else None,
        because=basis.because,
        also=(*basis.also, *signs, *beside, *causes),
        values={**values, "ca": basis.shown, "adjusted": basis.adjusted},
        notes=tuple(name for name, holds in notes if holds),
        unknown=_unknown(patient, basis),
    )


def _variant(band: Severity) -> str:
    if band is Severity.CRITICAL:
        return "severe"
    return "moderate" if band is Severity.WARNING else "mild"


def _symptoms(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    window = k.span("signs_window")
    if patient.has(*SYMPTOMS, within=window) is None:
        return ()
    return tuple([found for group in SYMPTOMS if (found := patient.has(group, within=window)) is not None])


def _signs(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """A short QTc and acute kidney injury (its code, else the creatinine that shows it)."""
    qtc = patient.latest("qtc", k.span("signs_window"))
    short = (qtc,) if qtc is not None and qtc.below(k["short_qt"]) else ()
    if patient.ask(kidney_function).aki is not True:
        return short
    injury = patient.has("aki") or patient.latest("creatinine")
    return short if injury is None else (*short, injury)


def _earlier(patient: Patient, calcium: Result, k: Limits) -> Result | None:
    """The lowest exact calcium of the same kind in the three months before, when the rise from it is large enough;
    not of ionised calcium, which has a scale of its own."""
    if calcium.comparator or calcium.concept == "calcium-ionised":
        return None
    at, window = calcium.at.earliest, k.span("rise_window")
    before = [
        r
        for r in patient.series(calcium.concept)
        if not r.comparator and r.at.earliest < at and at - r.at.earliest <= window
    ]
    lowest = min(before, key=lambda r: r.value, default=None)
    return lowest if lowest is not None and calcium.value - lowest.value >= k["rise"] else None


def _named(signs: tuple[Fact, ...]) -> Value:
    """The first sign as the summary names it; a creatinine stands for acute kidney injury."""
    first = signs[0] if signs else None
    if isinstance(first, Result):
        return Phrase("measured", {"result": first}) if first.concept == "qtc" else Phrase("aki")
    return first


def _unknown(patient: Patient, basis: CalciumBasis) -> tuple[str, ...]:
    return basis.unknown if patient.ask(kidney_function).known else (*basis.unknown, "unknown-egfr")
