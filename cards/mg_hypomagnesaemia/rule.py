"""mg-hypomagnesaemia (catalogue section 2): a low serum magnesium, graded, with what makes it better or worse."""

from __future__ import annotations

from cards._families.ctcae_magnesium.family import ctcae_magnesium
from cards._families.electrolyte_red_flags.family import electrolyte_red_flags
from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.magnesium_reference.family import magnesium_reference
from cards._families.pregnancy.family import pregnancy
from cards._families.sample_quality.family import sample_quality
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Result

CULPRITS = (
    "ppi", "loop-diuretic", "thiazide", "calcineurin-inhibitor", "platinum", "egfr-mab", "aminoglycoside",
    "amphotericin", "foscarnet-pentamidine", "patiromer", "laxative-stimulant",
)  # fmt: skip
CAUSES = ("alcohol-use-disorder", "chronic-diarrhoea", "diarrhoea", "short-bowel", "malabsorption", "type-2-diabetes")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the latest magnesium is below 0.70, by band; critical below 0.50 or with a red flag."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if patient.ask(sample_quality).replaces_low("magnesium-serum"):
        return NotApplicable("replaced by sample-quality-repeat")
    kidney = patient.ask(kidney_function)
    flags = patient.ask(electrolyte_red_flags)
    severity = _severity(patient, mg, kidney, flags, k)
    if severity is None:
        return Satisfied((mg,))
    drafts = patient.judged(*CULPRITS)
    variant = _variant(mg, severity, k)
    notes, values = _remarks(patient, mg, kidney, k)
    downgraded = _downgraded(patient, severity, k)
    if downgraded is not severity:
        notes.append(Phrase("treated", {"repletion": patient.ask(magnesium_dosing).repletion}))
    if drafts and patient.hook in ORDER_HOOKS and severity is not Severity.CRITICAL:
        variant, values = "order", {**values, "drug": drafts[0]}
    return Fires(
        variant,
        severity=downgraded,
        because=(mg, *flags) if variant == "symptomatic" else (mg,),
        also=(*(() if variant == "symptomatic" else flags), *drafts),
        values={**values, "mg": mg, "flag": _named(flags)},
        notes=tuple(notes),
        unknown=_unknown(patient, kidney),
    )


def _severity(
    patient: Patient, mg: Result, kidney: KidneyFunction, flags: tuple[Fact, ...], k: Limits
) -> Severity | None:
    """The band, in dialysis and pregnancy as they have their own; None when magnesium is not low enough for a card."""
    if not mg.below(k["moderate"] if kidney.dialysis is not None else k["mild"]):
        return None
    if mg.below(k["severe"]) or flags:
        return Severity.CRITICAL
    if mg.below(k["moderate"]):
        return Severity.WARNING
    if not mg.below(patient.ask(magnesium_reference).lower):
        return None
    mild_is_expected = patient.ask_or(pregnancy, None) is not None or _known_wasting(patient)
    return Severity.INFO if mild_is_expected else Severity.WARNING


def _variant(mg: Result, severity: Severity, k: Limits) -> str:
    """A text for each band, so that the next band comes again after an override of the milder one."""
    if mg.below(k["severe"]):
        return "severe"
    if severity is Severity.CRITICAL:
        return "symptomatic"
    return "moderate" if mg.below(k["moderate"]) else "low"


def _known_wasting(patient: Patient) -> bool:
    return patient.has_confirmed("gitelman") is not None


def _named(flags: tuple[Fact, ...]) -> Value:
    """The first red flag as the summary names it."""
    first = flags[0] if flags else None
    return Phrase("measured", {"result": first}) if type(first) is Result else first


def _downgraded(patient: Patient, severity: Severity, k: Limits) -> Severity:
    """One step down when repletion and a recheck were ordered after the draw; critical 24 h after the repletion."""
    dosing = patient.ask(magnesium_dosing)
    if dosing.repletion is None or dosing.recheck is None or severity is Severity.INFO:
        return severity
    placed = dosing.repletion.authored or dosing.repletion.since
    recent = placed is not None and patient.as_of.within(placed, k.span("treated_stays_critical"))
    return severity if severity is Severity.CRITICAL and recent else Severity(severity - 1)


def _remarks(
    patient: Patient, mg: Result, kidney: KidneyFunction, k: Limits
) -> tuple[list[str | Phrase], dict[str, Value]]:
    """The lines that fit this patient, and the values they print."""
    causes: tuple[Fact, ...] = patient.taking(*CULPRITS)
    if patient.has(*CAUSES) is not None:
        causes += tuple([problem for group in CAUSES if (problem := patient.has(group)) is not None])
    albumin, grade = patient.latest("albumin"), patient.ask(ctcae_magnesium)
    low_albumin = albumin is not None and albumin.below(k["albumin_low"])
    lines = (
        ("causes", bool(causes)),
        ("no-cause", not causes and not patient.judged(*CULPRITS) and _surely_no_culprit(patient)),
        ("low-albumin", low_albumin),
        ("pregnancy", patient.ask_or(pregnancy, None) is not None),
        ("dialysis", kidney.dialysis is not None),
        ("known-wasting", _known_wasting(patient)),
        ("ctcae", grade is not None),
        ("kidneys", not kidney.known),
        ("reduced-kidneys", kidney.advanced),
        ("sample-doubtful", patient.ask(sample_quality).doubts("magnesium-serum")),
    )
    values: dict[str, Value] = {
        "causes": Listing(causes),
        "albumin": albumin,
        "grade": None if grade is None else grade.low,
    }
    return [name for name, holds in lines if holds], values


def _surely_no_culprit(patient: Patient) -> bool:
    try:
        return patient.surely_without(*CULPRITS)
    except CannotTellError:
        return False


def _unknown(patient: Patient, kidney: KidneyFunction) -> tuple[str, ...]:
    """What the card asks for: kidney function, potassium, calcium."""
    missing = [] if kidney.known else ["unknown-egfr"]
    if patient.latest("potassium") is None:
        missing.append("unknown-potassium")
    if patient.latest("calcium-total") is None and patient.latest("calcium-ionised") is None:
        missing.append("unknown-calcium")
    return tuple(missing)
