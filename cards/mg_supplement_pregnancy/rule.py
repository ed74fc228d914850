"""mg-supplement-pregnancy (catalogue section 10): magnesium supplements and infusions in pregnancy."""

from __future__ import annotations

from cards._families.magnesium_intake.family import magnesium_intake
from cards._families.magnesium_intake.lines import is_supplement, product_lines, total_phrase
from cards._families.pre_eclampsia.family import pre_eclampsia
from cards._families.pregnancy.family import pregnancy
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

ECLAMPSIA = ("pre-eclampsia", "eclampsia")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A long infusion warns, also for pre-eclampsia; an infusion without that reason or a high oral dose informs."""
    pregnant = patient.ask(pregnancy)
    if pregnant is None:
        return NotApplicable("not pregnant")
    running = [e for e in patient.taking("magnesium") if e.route == "intravenous"]
    ordered = [e for e in patient.judged("magnesium") if e.route == "intravenous"]
    prolonged = _prolonged(patient, running, ordered, k)
    if prolonged:
        return Fires("prolonged", because=tuple(dict.fromkeys((*prolonged, *ordered))), also=(pregnant,))
    if patient.ask(pre_eclampsia) is not None:
        return NotApplicable("magnesium for pre-eclampsia")
    unexplained = tuple([e for e in ordered if e.reason_groups.isdisjoint(ECLAMPSIA)])
    if unexplained and patient.has(*ECLAMPSIA) is None:
        return Fires("intravenous", because=unexplained, also=(pregnant,))
    return _oral(patient, pregnant, k)


def _prolonged(patient: Patient, running: list[Exposure], ordered: list[Exposure], k: Limits) -> tuple[Exposure, ...]:
    """The infusions that run for long or are planned to. Raises CannotTellError when a start is not known."""
    limit = k.span("prolonged")
    long = [e for e in running if e.since is not None and patient.taken_for(e) >= limit]
    long += [e for e in ordered if e.since and e.until and e.until.latest - e.since.earliest >= limit]
    if not long:
        for infusion in running:
            patient.taken_for(infusion)
    return tuple(long)


def _oral(patient: Patient, pregnant: Fact, k: Limits) -> Outcome:
    """The sum of all oral products, when a supplement is among them: its lowest reading decides, its highest asks."""
    intake = patient.ask(magnesium_intake)
    products = tuple(dict.fromkeys(line.exposure for line in intake.counted))
    if not any(is_supplement(product) for product in products):
        return NotApplicable("no magnesium supplement in regular use")
    if intake.upper <= k["eu"]:
        if intake.at_least:
            raise CannotTellError("dose of magnesium")
        return Satisfied(products)
    return Fires(
        "oral" if intake.lower > k["eu"] else "ambiguous",
        because=products,
        also=(pregnant,),
        values={"total": total_phrase(intake)},
        notes=(*product_lines(intake), *(("magnesium-total-minimum",) if intake.at_least else ())),
    )
