"""ca-hypercalcaemia-drug-cause (catalogue section 5): high calcium with drugs that cause it, or new calcium on top."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.daily_intake.family import daily_intake, total
from cards._families.kidney_function.family import kidney_function
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure

CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")
ALONE = ("lithium", "vitamin-d-active", "teriparatide", "vitamin-a")
ALKALI = ("calcium-carbonate", "calcium-citrate", "sodium-bicarbonate")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when calcium is high and a drug of the list explains it, or calcium or vitamin D is being ordered."""
    basis = patient.ask(calcium_basis)
    if basis.result is None:
        return NotApplicable("; ".join(patient.absent(c) for c in CALCIUM))
    if basis.high is None:
        return Satisfied(basis.because)
    if patient.hook in ORDER_HOOKS:
        drafts = _systemic(patient.judged("calcium", "vitamin-d"))
        if not drafts:
            return NotApplicable("neither calcium nor vitamin D is ordered")
        return _fires("order" if basis.high is Severity.INFO else "order-critical", basis, drafts)
    drugs, milk_alkali = _causes(patient, k), _milk_alkali(patient, k)
    if milk_alkali:
        products = _systemic(patient.taking("calcium", "sodium-bicarbonate"))
        variant = "milk-alkali" if basis.high is Severity.INFO else "milk-alkali-high"
        return _fires(variant, basis, tuple(dict.fromkeys((*products, *drugs))), milk_alkali)
    if drugs:
        return _fires("drugs" if basis.high is Severity.INFO else "drugs-high", basis, drugs)
    patient.surely_without(*ALONE)
    return Satisfied(basis.because)


def _causes(patient: Patient, k: Limits) -> tuple[Exposure, ...]:
    """The drugs that are a cause alone, and a thiazide with enough vitamin D or calcium beside it."""
    alone = _systemic(patient.taking(*ALONE))
    thiazide = patient.taking("thiazide")
    if not thiazide:
        return alone
    intake = patient.ask(daily_intake)
    enough = [*(intake.vitamin_d if total(intake.vitamin_d) >= k["vitamin_d"] else ())]
    enough += intake.calcium if total(intake.calcium) >= k["calcium"] else ()
    beside = tuple(supply.exposure for supply in enough if supply.per_day is not None)
    return tuple(dict.fromkeys((*thiazide, *beside, *alone))) if beside else alone


def _milk_alkali(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """What shows it beside much calcium and alkali: a high bicarbonate, acute kidney injury; empty when it is not."""
    if not patient.taking(*ALKALI) or total(patient.ask(daily_intake).calcium) < k["calcium"]:
        return ()
    bicarbonate = patient.latest("bicarbonate")
    shown: list[Fact] = [] if bicarbonate is None or not bicarbonate.above(k["bicarbonate"]) else [bicarbonate]
    if patient.ask(kidney_function).aki is True:
        injury = patient.has("aki") or patient.latest("creatinine")
        shown += [] if injury is None else [injury]
    return tuple(shown)


def _systemic(drugs: tuple[Exposure, ...]) -> tuple[Exposure, ...]:
    return tuple([drug for drug in drugs if not drug.is_local])


def _fires(variant: str, basis: CalciumBasis, drugs: tuple[Exposure, ...], shown: tuple[Fact, ...] = ()) -> Fires:
    return Fires(
        variant,
        because=(*basis.because, *drugs),
        also=(*shown, *basis.also),
        values={"ca": basis.shown, "drugs": Listing(drugs)},
        notes=("causes",) if variant.startswith("milk-alkali") else (),
        unknown=basis.unknown,
    )
