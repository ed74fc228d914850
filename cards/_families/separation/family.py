"""Absorption interactions with oral cations (catalogue section 9): the rules are tables, the mechanics are here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from cards._families.kidney_function.family import kidney_function
from cards._families.separation.pairs import (
    NONE,
    Pair,
    facts_of,
    find_pairs,
    has_times,
    oral,
    proven_apart,
    settled_by,
)
from cards._families.separation.table import Data, Label
from cards._families.supplement_opener.family import supplement_opener
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

__all__ = ["Data", "evaluate"]


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """An oral victim and an oral cation, one of them ordered now, whose times do not prove that they stay apart.

    At hooks without orders: any two that are used.
    """
    data: Data = k.data
    victims = tuple(dict.fromkeys(victim for row in data.rows for victim in row.victims))
    cations = tuple(dict.fromkeys(cation for row in data.rows for cation in row.cations))
    for groups in (victims, cations):
        if not patient.drafts(*groups) and patient.surely_without(*groups):
            return NotApplicable("only one of the two is used")
    met, unknown = find_pairs(patient, k, oral(patient, victims), oral(patient, cations))
    clashes = sorted((pair for pair in met if not proven_apart(pair, k)), key=lambda pair: pair.rank, reverse=True)
    if clashes:
        return _card(patient, k, clashes)
    if unknown:
        raise CannotTellError(*unknown)
    return Satisfied(facts_of(met)) if met else NotApplicable("no oral pair that this order makes")


def _card(patient: Patient, k: Limits, clashes: list[Pair]) -> Fires:
    worst = clashes[0]
    settled = settled_by(patient, k, worst)
    mechanism = worst.leading[0].mechanism or k.data.mechanism
    alike = [pair for pair in clashes if pair.terms == worst.terms]
    notes = dict.fromkeys(note for pair in clashes for note in pair.notes)
    notes |= dict.fromkeys(_as_needed(pair) for pair in clashes if pair.product.as_needed)
    if mechanism == "acid":
        notes["acid-alternative"] = None
    return Fires(
        _variant(worst, settled),
        severity=worst.severity,
        because=facts_of(clashes),
        also=() if settled is None else (settled,),
        values=_values(worst, alike, mechanism, k) | {"settled": settled},
        notes=(
            *_pair_lines(clashes),
            *_label_lines(clashes, k),
            *notes,
            *k.data.notes,
            *patient.ask(supplement_opener),
        ),
        unknown=("unknown-egfr",) if _lacks_clearance(patient, clashes) else (),
        sources=_sources(clashes),
    )


def _sources(clashes: list[Pair]) -> frozenset[str]:
    """Those of the rows that hold; empty (all) where one of them names none of its own."""
    named = [row.evidence for pair in clashes for row in pair.rows]
    return frozenset(source for one in named for source in one) if all(named) else frozenset()


def _variant(pair: Pair, settled: Result | None) -> str:
    if pair.never_apart is not None:
        return pair.never_apart
    if settled is not None:
        return "settled"
    return "first" if pair.after <= NONE else "later" if pair.before <= NONE else "apart"


def _values(worst: Pair, alike: list[Pair], mechanism: str, k: Limits) -> dict[str, Value]:
    """What the texts print; `alike` are the pairs of which the same is asked as of the worst."""
    named: dict[str, Value] = {
        "drugs": Listing(_each_name(pair.victim for pair in alike)),
        "products": Listing(_each_name(pair.product for pair in alike)),
    }
    plan = "plan-with-food" if all(pair.with_food for pair in alike) else k.data.plan
    return named | {
        "drug": worst.victim,
        "before": _hours(worst.before),
        "after": _hours(worst.after),
        "rule": _rule(worst.before, worst.after),
        "mechanism": Phrase(f"mechanism-{mechanism}"),
        "times": Phrase("times-recorded" if has_times(worst, k) else "times-unrecorded"),
        "plan": Phrase(plan, named),
        "otherwise": Phrase(k.data.otherwise, named),
    }


def _each_name(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """A drug in use that is ordered again is two exposures and one name."""
    return tuple({exposure.name: exposure for exposure in exposures}.values())


def _as_needed(pair: Pair) -> str:
    return "as-needed-avoid" if pair.never_apart == "avoid" else "as-needed"


def _lacks_clearance(patient: Patient, pairs: list[Pair]) -> bool:
    """Whether a pair could be critical and nothing is known about clearance."""
    if not any(row.critical_below is not None for pair in pairs for row in pair.rows):
        return False
    return not patient.ask(kidney_function).known


def _pair_lines(clashes: list[Pair]) -> Iterator[Phrase]:
    """As what each product counts; with its drug and times where these differ from pair to pair."""
    if len({pair.terms for pair in clashes}) == 1:
        products = {(pair.product.name, pair.product.groups): pair for pair in clashes if not pair.told_by_name}
        for pair in products.values():
            yield Phrase("counts-as", {"product": pair.product, "cations": pair.cations})
        return
    drugs = {(pair.victim.name, pair.product.name, pair.product.groups, pair.terms): pair for pair in clashes}
    for pair in drugs.values():
        values: dict[str, Value] = {"victim": pair.victim, "product": pair.product, "cations": pair.cations}
        values["rule"] = _rule(pair.before, pair.after)
        yield Phrase("pair" if pair.never_apart is None else f"pair-{pair.never_apart}", values)


def _label_lines(clashes: list[Pair], k: Limits) -> Iterator[Phrase]:
    """What each text says, once; with the victim where several have texts of their own."""
    said = {(pair.victim.name, label): pair.victim for pair in clashes for row in pair.rows for label in row.labels}
    labels = dict.fromkeys(label for _, label in said)
    victims = dict.fromkeys(pair.victim.name for pair in clashes)
    if len(said) == len(labels) * len(victims):
        texts: dict[tuple[timedelta, timedelta], dict[str, None]] = {}
        for label in labels:
            texts.setdefault(_spans(label, k), {})[label.region] = None
        for spans, regions in texts.items():
            yield Phrase("label", {"regions": _regions(*regions), "rule": _rule(*spans)})
        return
    for (_, label), victim in said.items():
        rule = _rule(*_spans(label, k))
        yield Phrase("label-of", {"victim": victim, "regions": _regions(label.region), "rule": rule})


def _regions(*regions: str) -> Listing:
    return Listing(tuple([Phrase(f"region-{region}") for region in regions]))


def _spans(label: Label, k: Limits) -> tuple[timedelta, timedelta]:
    before, after = (NONE if name is None else k.span(name) for name in (label.before, label.after))
    return before, after


def _rule(before: timedelta, after: timedelta) -> Phrase:
    values: dict[str, Value] = {"before": _hours(before), "after": _hours(after)}
    if after <= NONE:
        return Phrase("before-only", values)
    if before <= NONE:
        return Phrase("after-only", values)
    return Phrase("either-side" if before == after else "both", values)


def _hours(span: timedelta) -> Phrase:
    """A distance as it is printed: 4 hours, 1.5 hours, 30 minutes."""
    minutes, hour = Decimal(span // timedelta(minutes=1)), timedelta(hours=1) // timedelta(minutes=1)
    if minutes < hour:
        return Phrase("minutes", {"count": minutes})
    return Phrase("hours", {"count": (minutes / hour).normalize()})
