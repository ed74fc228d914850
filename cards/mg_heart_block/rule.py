"""mg-heart-block: magnesium in a second or third degree AV block or a symptomatic bradycardia without pacemaker."""

from __future__ import annotations

from cards._families.intravenous_magnesium.family import intravenous_magnesium, is_for
from cards._families.magnesium_intake.family import magnesium_intake, whole
from cards._families.supplement_opener.family import supplement_opener
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result

NEEDED = ("torsade", "ventricular-fibrillation", "eclampsia")
SYMPTOMS = ("syncope", "hypotension", "chest-pain", "bradycardia")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Intravenous magnesium is critical, unless it is needed for torsade, fibrillation or eclampsia."""
    block = _block(patient, k)
    if not block:
        patient.complete("conditions")
        return NotApplicable("no heart block or symptomatic bradycardia")
    if patient.has("pacemaker") is not None or patient.underwent("pacemaker") is not None:
        return NotApplicable("pacemaker")
    magnesium = patient.ask(intravenous_magnesium)
    infusions = (*magnesium.drafts, *magnesium.running)
    if infusions and (patient.hook not in ORDER_HOOKS or magnesium.judged):
        return _intravenous(patient, k, block, infusions)
    return _oral(patient, k, block)


def _block(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """A coded block; or a slow heart rate of the last day with a complaint that was coded in the last three."""
    block = patient.has("heart-block")
    if block is not None:
        return (block,)
    rate = patient.latest("heart-rate", k.span("rate_window"))
    complaint = patient.has(*SYMPTOMS, within=k.span("signs_window"))
    return (rate, complaint) if rate is not None and rate.below(k["slow"]) and complaint is not None else ()


def _intravenous(patient: Patient, k: Limits, block: tuple[Fact, ...], infusions: tuple[Exposure, ...]) -> Fires:
    reason = patient.has(*NEEDED, within=k.span("signs_window"))
    needed = reason is not None or all(is_for(infusion, *NEEDED) for infusion in infusions)
    return Fires(
        "needed" if needed else "intravenous",
        because=(*infusions, *block),
        also=() if reason is None else (reason,),
        values={"block": _named(block[0])},
        notes=patient.ask(supplement_opener),
        unknown=_unknown(patient),
    )


def _oral(patient: Patient, k: Limits, block: tuple[Fact, ...]) -> Outcome:
    intake = patient.ask(magnesium_intake)
    products = tuple(dict.fromkeys(line.exposure for line in intake.lines if not line.superseded))
    if not products:
        patient.complete("medications")
        return NotApplicable("no magnesium")
    if intake.upper < k["large"]:
        return Satisfied(products)
    values: dict[str, Value] = {
        "products": Listing(products),
        "total": whole(intake.upper),
        "block": _named(block[0]),
    }
    notes = patient.ask(supplement_opener)
    return Fires("oral", because=(*products, *block), values=values, notes=notes, unknown=_unknown(patient))


def _unknown(patient: Patient) -> tuple[str, ...]:
    """A pacemaker is looked for among the problems and the procedures."""
    try:
        patient.complete("procedures")
    except CannotTellError:
        return ("unknown-pacemaker",)
    return ()


def _named(fact: Fact) -> Fact | Phrase:
    return Phrase("named-result", {"result": fact}) if isinstance(fact, Result) else fact
