"""dehydration-electrolytes (catalogue section 11): signs of dehydration on drugs that make it worse."""

from __future__ import annotations

from decimal import Decimal

from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

DRUGS = ("diuretic", "laxative", "sglt2-inhibitor")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """High sodium, a high urea to creatinine ratio or coded orthostasis of the last week, with one of the drugs."""
    drugs = patient.taking(*DRUGS)
    if not drugs:
        return NotApplicable("no diuretic, laxative or SGLT2 inhibitor")
    window = k.span("window")
    facts: list[Fact] = []
    signs: list[Phrase] = []
    sodium = patient.latest("sodium", window)
    if sodium is not None and sodium.above(k["sodium"]):
        facts.append(sodium)
        signs.append(Phrase("sodium", {"result": sodium}))
    pair = _pair(patient, k)
    ratio = _ratio(pair, k)
    notes: tuple[Phrase, ...] = ()
    if ratio is not None and ratio > k["ratio"]:
        facts += pair
        signs.append(Phrase("ratio-high"))
        notes = (Phrase("ratio", {"ratio": round(ratio), "above": k["ratio"]}),)
    orthostasis = patient.has("orthostatic-hypotension", within=window)
    if orthostasis is not None:
        facts.append(orthostasis)
        signs.append(Phrase("orthostatic"))
    if signs:
        values: dict[str, Value] = {"sign": Listing(tuple(signs)), "drug": drugs[0]}
        return Fires("suspected", because=tuple(facts), also=drugs, values=values, notes=notes)
    patient.complete("conditions")
    return Satisfied((*(() if sodium is None else (sodium,)), *pair))


def _pair(patient: Patient, k: Limits) -> tuple[Result, ...]:
    """The latest urea of the window (also when reported as nitrogen) and the creatinine of the same draw, if exact."""
    found = (patient.latest("urea", k.span("window")), patient.latest("urea-nitrogen", k.span("window")))
    known = [r for r in found if r is not None]
    if not known:
        return ()
    urea = max(known, key=lambda r: r.at.latest)
    creatinine = patient.near("creatinine", urea.at, k.span("same_draw"))
    return () if creatinine is None else (urea, creatinine)


def _ratio(pair: tuple[Result, ...], k: Limits) -> Decimal | None:
    """Urea over creatinine, both in mmol/L; None without two exact values."""
    if not pair or [r for r in pair if r.comparator] or not pair[-1].value:
        return None
    return pair[0].value * k["umol_per_mmol"] / pair[-1].value
