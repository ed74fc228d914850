"""mg-product-renal-impairment: magnesium products in patients who clear magnesium poorly, or may do so."""

from __future__ import annotations

import msgspec

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_intake.family import magnesium_intake
from cards._families.magnesium_reference.family import magnesium_reference
from cards._families.pre_eclampsia.family import pre_eclampsia
from cards._families.pregnancy.family import pregnancy
from cards._families.supplement_opener.family import supplement_opener
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

THERAPY = ("torsade", "eclampsia", "pre-eclampsia", "asthma-severe")
REGULAR = frozenset({"laxative-magnesium", "antacid", "antacid-mg-al"})
ANY_DOSE = REGULAR | {"bowel-preparation-magnesium", "phosphate-binder-magnesium"}
CRITICAL = frozenset({"dialysis", "very-low", "raised", "gut"})


class Finding(msgspec.Struct, frozen=True):
    """The branch that holds: its card, and the facts that decide its severity besides the products."""

    variant: str
    facts: tuple[Fact, ...] = ()


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A magnesium load with poor clearance: by band of eGFR, worse with a high magnesium or a gut at a standstill."""
    products = _products(patient, k)
    if not products:
        return NotApplicable("no magnesium product")
    kidney = patient.ask(kidney_function)
    therapeutic = [product for product in products if _is_therapy(patient, product, k)]
    others = tuple(product for product in products if product not in therapeutic)
    finding = _finding(patient, kidney, others or products, k)
    if finding is None:
        return Satisfied(products)
    finding = Finding("therapeutic") if not others else _unless_low(patient, finding, k)
    basis = tuple(fact for fact in (*_injury(patient, kidney), kidney.basis) if fact and fact not in finding.facts)
    mg = patient.latest("magnesium-serum")
    return Fires(
        finding.variant,
        because=(*products, *finding.facts),
        also=(*basis, *((mg,) if mg is not None and mg not in finding.facts else ())),
        values={"kidney": _kidney(kidney), "product": Listing(others or products), "mg": mg},
        notes=(*_notes(patient, kidney, k), *patient.ask(supplement_opener)),
        unknown=(*(() if kidney.known else ("unknown-egfr",)), *(() if mg is not None else ("magnesium",))),
    )


def _products(patient: Patient, k: Limits) -> tuple[Exposure, ...]:
    """New and active products; a supplement only from its limit (an unknown dose counts), a multivitamin when rich."""
    lines = patient.ask(magnesium_intake).lines
    found = [e for e in patient.taking_or_ordering("magnesium", "multivitamin-mineral") if not e.is_local]
    kept = []
    for exposure in found:
        own = [line for line in lines if line.exposure == exposure]
        if "multivitamin-mineral" in exposure.groups:
            counts = bool(own)
        else:
            counts = not own or bool(exposure.groups & ANY_DOSE) or any(line.may_reach(k["supplement"]) for line in own)
        if counts:
            kept.append(exposure)
    return tuple(sorted(kept, key=lambda exposure: not exposure.judged))


def _is_therapy(patient: Patient, product: Exposure, k: Limits) -> bool:
    """Intravenous magnesium for torsade, (pre-)eclampsia or severe asthma."""
    if product.route != "intravenous":
        return False
    if not product.reason_groups.isdisjoint(THERAPY) or patient.ask_or(pre_eclampsia, None) is not None:
        return True
    return patient.has(*THERAPY, within=k.span("therapy_window")) is not None


def _finding(patient: Patient, kidney: KidneyFunction, products: tuple[Exposure, ...], k: Limits) -> Finding | None:
    """The most severe branch that holds."""
    others = [product for product in products if "phosphate-binder-magnesium" not in product.groups]
    if kidney.dialysis is not None and not others:
        return _binder(patient, kidney.dialysis, k)
    if kidney.dialysis is not None:
        return Finding("dialysis", (kidney.dialysis,))
    basis: tuple[Fact, ...] = () if kidney.basis is None else (kidney.basis,)
    if kidney.below(k["egfr_very_low"]):
        return Finding("very-low", basis)
    if kidney.below(k["egfr_low"]) or kidney.aki is True:
        mg = patient.latest("magnesium-serum")
        if mg is not None and mg.above(patient.ask(magnesium_reference).upper):
            return Finding("raised", (*basis, mg))
        obstruction = patient.has("bowel-obstruction")
        if obstruction is not None:
            return Finding("gut", (*basis, obstruction))
        preparing = any("bowel-preparation-magnesium" in product.groups for product in products)
        return Finding("gut" if preparing else "low", basis)
    if kidney.below(k["egfr_reduced"]):
        return Finding("reduced", basis) if _is_load(patient, products, k) else None
    return _unknown(patient, kidney, k)


def _binder(patient: Patient, dialysis: Fact, k: Limits) -> Finding:
    """A phosphate binder with magnesium in dialysis, where it is licensed: only its contraindications are critical."""
    mg = patient.latest("magnesium-serum")
    high = mg if mg is not None and mg.above(k["binder_mg"]) else None
    contraindication = high or patient.has("complete-heart-block", "myasthenia-gravis")
    if contraindication is None:
        return Finding("binder", (dialysis,))
    return Finding("binder-contraindicated", (dialysis, contraindication))


def _is_load(patient: Patient, products: tuple[Exposure, ...], k: Limits) -> bool:
    """Regular use of a laxative or antacid for more than two weeks, more than the upper level, or old age."""
    lasting = any(
        not product.as_needed and product.groups & REGULAR and _lasts(patient, product, k) for product in products
    )
    return lasting or patient.ask(magnesium_intake).upper > k["daily"] or patient.aged_at_least(k["age"])


def _lasts(patient: Patient, product: Exposure, k: Limits) -> bool:
    same = [e for e in patient.taking("magnesium") if e.ingredients == product.ingredients]
    return any(e.since is not None and patient.taken_for(e) > k.span("regular") for e in (product, *same))


def _unknown(patient: Patient, kidney: KidneyFunction, k: Limits) -> Finding | None:
    """Nothing known of the kidneys in someone in whom that matters."""
    if kidney.known:
        return None
    ckd = patient.has("ckd")
    if ckd is None and not patient.aged_at_least(k["age_unknown_kidney"]):
        return None
    return Finding("unknown", () if ckd is None else (ckd,))


def _unless_low(patient: Patient, finding: Finding, k: Limits) -> Finding:
    """A documented low magnesium makes a warning of the critical branches: halve the dose and check soon."""
    mg = patient.latest("magnesium-serum", k.span("low_window"))
    if finding.variant not in CRITICAL or mg is None or not mg.below(k["mg_low"]):
        return finding
    return Finding("repletion", (*finding.facts, mg))


def _injury(patient: Patient, kidney: KidneyFunction) -> tuple[Fact | None, ...]:
    """What the acute injury was seen from: its code, else the latest creatinine."""
    return (patient.has("aki") or patient.latest("creatinine"),) if kidney.aki is True else ()


def _kidney(kidney: KidneyFunction) -> Phrase:
    if kidney.dialysis is not None:
        return Phrase("in-dialysis")
    if kidney.aki is True:
        return Phrase("in-aki")
    if kidney.by_diagnosis:
        return Phrase("by-diagnosis")
    return Phrase("egfr", {"egfr": kidney.egfr if kidney.egfr is not None else kidney.basis})


def _notes(patient: Patient, kidney: KidneyFunction, k: Limits) -> tuple[str, ...]:
    fertile = patient.sex == "female" and patient.age is not None and not patient.aged_at_least(k["fertile_before"])
    notes = (
        ("aki", kidney.aki is True),
        ("computed", kidney.computed),
        ("diagnosis", kidney.by_diagnosis),
        ("ambiguous", patient.ask(magnesium_intake).ambiguous),
        ("pregnancy-unknown", fertile and patient.ask_or(pregnancy, None) is None),
    )
    return tuple(name for name, holds in notes if holds)
