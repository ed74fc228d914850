"""Absorption interactions with oral cations (catalogue section 9): the rules are tables, the mechanics are here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from cards._families.kidney_function.family import kidney_function
from cards._families.separation.pairs import NONE, Pair, facts_of, find_pairs, is_settled, oral, proven_apart
from cards._families.separation.table import Data, Label
from cards._families.supplement_opener.family import supplement_opener
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient

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
    one_sided = "first" if worst.after <= NONE else "later" if worst.before <= NONE else "apart"
    mechanism = worst.leading[0].mechanism or k.data.mechanism
    notes = dict.fromkeys(note for pair in clashes for note in pair.notes)
    notes |= dict.fromkeys(_as_needed(pair) for pair in clashes if pair.product.as_needed)
    if mechanism == "acid":
        notes["acid-alternative"] = None
    if is_settled(patient, k, worst):
        notes["settled"] = None
    return Fires(
        worst.never_apart or one_sided,
        severity=worst.severity,
        because=facts_of(clashes),
        values={
            "drug": worst.victim,
            "product": worst.product,
            "cations": worst.cations,
            "before": _hours(worst.before),
            "after": _hours(worst.after),
            "mechanism": Phrase(f"mechanism-{mechanism}"),
            "partner": Phrase(f"partner-{mechanism}"),
        },
        notes=(
            *map(_pair_line, _one_of_each(clashes)),
            *_label_lines(clashes, k),
            *notes,
            *k.data.notes,
            *patient.ask(supplement_opener),
        ),
        unknown=("unknown-egfr",) if _lacks_clearance(patient, clashes) else (),
    )


def _as_needed(pair: Pair) -> str:
    return "as-needed-avoid" if pair.never_apart == "avoid" else "as-needed"


def _lacks_clearance(patient: Patient, pairs: list[Pair]) -> bool:
    """Whether a pair could be critical and nothing is known about clearance."""
    if not any(row.critical_below is not None for pair in pairs for row in pair.rows):
        return False
    return not patient.ask(kidney_function).known


def _one_of_each(clashes: list[Pair]) -> Iterable[Pair]:
    """A drug in use that is ordered again is two exposures and one line."""
    drugs = {
        (pair.victim.name, pair.product.name, pair.product.groups, pair.before, pair.after): pair for pair in clashes
    }
    return drugs.values()


def _pair_line(pair: Pair) -> Phrase:
    values: dict[str, Value] = {
        "victim": pair.victim,
        "product": pair.product,
        "cations": pair.cations,
        "rule": _rule(pair.before, pair.after),
    }
    word = pair.never_apart
    return Phrase(f"pair-{word}" if word in ("avoid", "watch") else "pair", values)


def _label_lines(clashes: list[Pair], k: Limits) -> Iterator[Phrase]:
    """What each text says, once; with the victim where several have texts of their own."""
    said = {(pair.victim.name, label): pair.victim for pair in clashes for row in pair.rows for label in row.labels}
    labels = dict.fromkeys(label for _, label in said)
    victims = dict.fromkeys(pair.victim.name for pair in clashes)
    if len(said) == len(labels) * len(victims):
        yield from (Phrase("label", _label_values(label, k)) for label in labels)
        return
    for (_, label), victim in said.items():
        yield Phrase("label-of", {"victim": victim, **_label_values(label, k)})


def _label_values(label: Label, k: Limits) -> dict[str, Value]:
    before, after = (NONE if name is None else k.span(name) for name in (label.before, label.after))
    return {"region": Phrase(f"region-{label.region}"), "rule": _rule(before, after)}


def _rule(before: timedelta, after: timedelta) -> Phrase:
    values: dict[str, Value] = {"before": _hours(before), "after": _hours(after)}
    if after <= NONE:
        return Phrase("before-only", values)
    return Phrase("both" if before > NONE else "after-only", values)


def _hours(span: timedelta) -> Phrase:
    """A distance as it is printed: 4 hours, 1.5 hours, 30 minutes."""
    minutes, hour = Decimal(span // timedelta(minutes=1)), timedelta(hours=1) // timedelta(minutes=1)
    if minutes < hour:
        return Phrase("minutes", {"count": minutes})
    return Phrase("hours", {"count": (minutes / hour).normalize()})
