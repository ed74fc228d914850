"""inherited-mg-wasting-clue (catalogue section 4): a magnesium that stays low in a setting that suggests a gene."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CAUSATIVE = (
    "diuretic", "ppi", "calcineurin-inhibitor", "platinum", "egfr-mab", "aminoglycoside", "amphotericin",
    "foscarnet-pentamidine", "patiromer", "laxative",
)  # fmt: skip
LASTING = ("platinum", "egfr-mab", "amphotericin", "aminoglycoside")


class Clue(msgspec.Struct, frozen=True):
    """Which pattern was found, and in what."""

    variant: str
    facts: tuple[Fact, ...] = ()
    ratio: Decimal | None = None


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when magnesium was low twice at least two weeks apart, and a problem, a pattern or the age is a clue."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    first = _first_of_run(patient, mg, k)
    if first is None:
        return Satisfied((mg,))
    if patient.has_confirmed("gitelman", "tubulopathy") is not None:
        return NotApplicable("inherited magnesium wasting is known")
    clue = _coded(patient) or _gitelman(patient, k) or _young(patient, k)
    if clue is None:
        return Satisfied((mg,))
    coded = clue.facts[0] if clue.facts else None
    values: dict[str, Value] = {"mg": mg, "first": first, "clue": coded, "ratio": clue.ratio, "age": k["age"]}
    notes = (
        ("since", True),
        ("ratio", clue.ratio is not None),
        ("treatment", clue.variant == "gitelman"),
    )
    return Fires(
        clue.variant,
        because=(mg,),
        also=(first, *clue.facts),
        values={**values, "k": patient.latest("potassium")},
        notes=tuple(name for name, holds in notes if holds),
    )


def _first_of_run(patient: Patient, mg: Result, k: Limits) -> Result | None:
    """The oldest of the unbroken row of low results that ends now; None when it is too short."""
    oldest = None
    for result in patient.series("magnesium-serum"):
        if not result.below(k["mg_low"]):
            break
        oldest = result
    return oldest if oldest is not None and mg.at.earliest - oldest.at.earliest >= k.span("apart") else None


def _coded(patient: Patient) -> Clue | None:
    claudin = patient.has_confirmed("nephrocalcinosis")
    if claudin is not None:
        return Clue("claudin", (claudin,))
    hnf1b = patient.has_confirmed("mody", "renal-cysts")
    return None if hnf1b is None else Clue("hnf1b", (hnf1b,))


def _gitelman(patient: Patient, k: Limits) -> Clue | None:
    """Low potassium with alkalosis or little urine calcium, surely without diuretic, laxative or vomiting."""
    potassium = patient.latest("potassium")
    if potassium is None or not potassium.below(k["k_low"]):
        return None
    bicarbonate = patient.near("bicarbonate", potassium.at, k.span("near"))
    alkalosis = bicarbonate is not None and bicarbonate.above(k["bicarbonate"])
    calcium, ratio = _urine_calcium(patient, k)
    if not alkalosis and (ratio is None or ratio >= k["urine_calcium"]):
        return None
    if not (patient.surely_without("diuretic", "laxative") and patient.surely_free_of("vomiting", "hyperemesis")):
        return None
    beside = tuple([result for result in (bicarbonate, calcium) if result is not None])
    return Clue("gitelman", (potassium, *beside), ratio)


def _urine_calcium(patient: Patient, k: Limits) -> tuple[Result | None, Decimal | None]:
    """The latest urine calcium and its ratio to the creatinine of the portion, mmol/mmol with the limit's decimals."""
    calcium = patient.latest("calcium-urine")
    creatinine = None if calcium is None else patient.near("creatinine-urine", calcium.at, k.span("one_portion"))
    if calcium is None or creatinine is None or calcium.comparator or creatinine.comparator or not creatinine.value:
        return calcium, None
    return calcium, (calcium.value / creatinine.value).quantize(k["urine_calcium"], ROUND_HALF_UP)


def _young(patient: Patient, k: Limits) -> Clue | None:
    """Below the age, surely without a drug that lowers magnesium; nor one of the past whose effect lasts."""
    if patient.age is None or patient.aged_at_least(k["age"]) or patient.took(*LASTING):
        return None
    return Clue("young") if patient.surely_without(*CAUSATIVE) else None
