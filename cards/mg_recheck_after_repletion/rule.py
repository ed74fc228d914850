"""mg-recheck-after-repletion (catalogue, section 12): a low magnesium was treated and is not measured again."""

from __future__ import annotations

from datetime import timedelta

from cards._families.electrolyte_red_flags.family import electrolyte_red_flags
from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_dosing.family import magnesium_dosing, ordered_after, placed_after
from cards._families.magnesium_intake.lines import is_supplement
from cards._families.qt_drugs.family import systemic
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

RISKY = ("digoxin", "qt-candidates")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when repletion was ordered after a low magnesium and no valid new magnesium is there or ordered."""
    series = [r for r in patient.series("magnesium-serum") if r.age in ("fresh", "recent")]
    low = [r for r in series if r.below(k["low"])]
    if not low:
        return NotApplicable("no low magnesium")
    products = _products(patient, k)
    treated = [(r, after) for r in low if (after := tuple([p for p in products if placed_after(p, r, patient)]))]
    if not treated:
        return NotApplicable("no repletion after a low magnesium")
    mg, repletion = treated[0]
    newer = series[: series.index(mg)]
    checked = tuple([r for r in newer if _is_recheck(r, repletion, patient)])
    if checked:
        return Satisfied(checked[:1])
    unknown = _unless_ordered(mg, patient)
    if unknown is None:
        return NotApplicable("a recheck is ordered already")
    reasons: tuple[Fact, ...] = systemic(patient.taking(*RISKY))
    infused = [p for p in repletion if p.route == "intravenous"]
    notes, missing = _remarks(patient, mg, newer, infused, k)
    return Fires(
        "infusion" if infused else "oral" if mg.at_least(k["moderate"]) else "oral-early",
        severity=Severity.WARNING if reasons or mg.below(k["severe"]) else None,
        because=(mg, *repletion),
        also=(*newer[:1], *reasons),
        values={"mg": mg, "repletion": (infused or list(repletion))[0]},
        notes=notes,
        unknown=(*unknown, *missing),
        due=_due(patient, mg, repletion, infused, k),
    )


def _due(
    patient: Patient, mg: Result, repletion: tuple[Exposure, ...], infused: list[Exposure], k: Limits
) -> timedelta:
    """How long from now the recheck is due: after the end of the last infusion, else after the oral start."""
    if infused:
        ends = [e.until or (None if e.status == "active" else e.authored or e.since) for e in infused]
        starts, wait = [patient.as_of.at if end is None else end.latest for end in ends], k.span("after_infusion")
    else:
        starts = [at.latest for e in repletion if (at := e.authored or e.since) is not None]
        wait = k.span("after_oral" if mg.at_least(k["moderate"]) else "after_oral_early")
    return max(max(starts) + wait - patient.as_of.at, timedelta(0))


def _products(patient: Patient, k: Limits) -> tuple[Exposure, ...]:
    """Infusions that run or ended in the window, and oral supplements that are taken."""
    supplements = [e for e in patient.taking("magnesium") if is_supplement(e)]
    given = [e for e in patient.taking("magnesium") + patient.took("magnesium") if e.route == "intravenous"]
    return (*(e for e in given if _is_of_window(e, patient, k)), *supplements)


def _is_of_window(infusion: Exposure, patient: Patient, k: Limits) -> bool:
    last = infusion.until or infusion.authored or infusion.since
    running = infusion.status == "active" and infusion.until is None
    return running or (last is not None and patient.as_of.within(last, k.span("infusion_window")))


def _is_recheck(result: Result, repletion: tuple[Exposure, ...], patient: Patient) -> bool:
    """An exact result, surely drawn after the first repletion and not within 24 h of an infusion."""
    placed = [at for e in repletion if (at := e.authored or e.since) is not None]
    after = any(result.at.earliest >= at.earliest for at in placed)
    return after and not result.comparator and patient.ask(magnesium_dosing).spoils(result) is None


def _unless_ordered(mg: Result, patient: Patient) -> tuple[str, ...] | None:
    """None when a recheck is ordered; otherwise what could not be seen."""
    if ordered_after(mg, patient) is not None:
        return None
    try:
        patient.complete("orders")
    except CannotTellError:
        return ("unknown-orders",)
    return ()


def _remarks(
    patient: Patient, mg: Result, newer: list[Result], infused: list[Exposure], k: Limits
) -> tuple[tuple[str | Phrase, ...], tuple[str, ...]]:
    """The lines that fit this patient, and what was not known."""
    notes: list[str | Phrase] = []
    spoiled = next((r for r in newer if patient.ask(magnesium_dosing).spoils(r) is not None), None)
    if spoiled is not None:
        notes.append(Phrase("too-early", {"result": spoiled}))
    kidney = patient.ask(kidney_function)
    running = any(e.status == "active" for e in infused)
    grave = mg.below(k["severe"]) or kidney.below(k["egfr_reduced"]) or bool(patient.ask(electrolyte_red_flags))
    if running and grave:
        notes.append("safety-level")
    if kidney.below(k["egfr_reduced"]):
        notes.append("reduced-kidneys")
    stopped = [e for e in patient.took("ppi") if e.until is not None and e.until.earliest >= mg.at.earliest]
    if stopped and not patient.taking("ppi"):
        notes.append(Phrase("ppi-stopped", {"ppi": stopped[0]}))
    return tuple(notes), () if kidney.known else ("unknown-egfr",)
