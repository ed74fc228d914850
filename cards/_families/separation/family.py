"""Absorption interactions with oral cations (catalogue section 9): the rules are tables, the mechanics are here."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from pydantic import Field

from cards._families.kidney_function.family import kidney_function
from cards._families.separation.clock import DAY, Windows, apart, windows, with_same_meal
from cards._families.supplement_opener.family import supplement_opener
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure
from cds_service.knowledge.file_model import FileModel, Id
from cds_service.knowledge.rule_file import Name

NONE = timedelta(0)


class Label(FileModel):
    """One text that gives an interval: the names of the limits (hours) for the victim before and after the cation.

    A side left out has no interval of its own: "before" alone is a drug that is taken first.
    """

    region: Literal["us", "eu", "consensus"]
    before: Name | None = None
    after: Name | None = None


class Row(FileModel):
    """One line of the table: which victims, which cations, and what must lie between them.

    labels     all texts that give an interval; the longest of each side counts, all are cited
    avoid      spacing is not enough: never satisfied by times
    with_food  taking both with the same meal is allowed
    beside, without   only victims that also hold one of these ingredients; only victims that hold none of them
    other_than   products of these groups have a row of their own
    as_far_as_possible  no distance is known to be enough: never satisfied by times, variant `far`
    critical_below  the limit of eGFR below which the pair is critical (needs the family kidney-function)
    notes      ids of notes that this row adds
    """

    victims: Annotated[tuple[Id, ...], Field(min_length=1)]
    cations: Annotated[tuple[Id, ...], Field(min_length=1)]
    labels: tuple[Label, ...] = ()
    avoid: bool = False
    with_food: bool = False
    beside: tuple[Id, ...] = ()
    without: tuple[Id, ...] = ()
    other_than: tuple[Id, ...] = ()
    as_far_as_possible: bool = False
    severity: Literal["info", "warning"]
    critical_below: Name | None = None
    notes: tuple[Name, ...] = ()


class Settled(FileModel):
    """When an old pair is only mentioned: a result within its laboratory's range, and both drugs taken for long."""

    result: Id
    within: Name
    taken: Name


class Data(FileModel):
    """The table of one rule; `notes` are added to each of its cards."""

    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    settled: Settled | None = None
    notes: tuple[Name, ...] = ()


class Pair(msgspec.Struct, frozen=True):
    """A victim and a product with cations that may meet in the gut, with the rows that say so."""

    victim: Exposure
    product: Exposure
    rows: tuple[Row, ...]
    before: timedelta
    after: timedelta
    severity: Severity

    @property
    def avoid(self) -> bool:
        """Whether one of the rows forbids the combination."""
        return any(row.avoid for row in self.rows)

    @property
    def far(self) -> bool:
        """Whether one of the rows asks for the largest distance there can be."""
        return any(row.as_far_as_possible for row in self.rows)

    @property
    def leading(self) -> tuple[Row, ...]:
        """The rows that make the severity: a row that is only information adds nothing to a warning."""
        strongest = _strongest(self.rows)
        return tuple(row for row in self.rows if Severity[row.severity.upper()] is strongest)

    @property
    def with_food(self) -> bool:
        """Whether all of the rows allow both with the same meal."""
        return all(row.with_food for row in self.rows)

    @property
    def notes(self) -> tuple[str, ...]:
        """Of the leading rows; a row that allows food says so only when no other row of the pair forbids it."""
        return tuple(note for row in self.leading if self.with_food or not row.with_food for note in row.notes)

    @property
    def cations(self) -> Listing:
        """What the product holds that matters to the victim."""
        held = self.product.groups | self.product.ingredients
        named = dict.fromkeys(cation for row in self.rows for cation in row.cations if cation in held)
        return Listing(tuple(Phrase(cation) for cation in named))


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """An oral victim and an oral cation, one of them ordered now, whose times do not prove that they stay apart."""
    data: Data = k.data
    victims = tuple(dict.fromkeys(victim for row in data.rows for victim in row.victims))
    cations = tuple(dict.fromkeys(cation for row in data.rows for cation in row.cations))
    for groups in (victims, cations):
        if not patient.drafts(*groups) and patient.surely_without(*groups):
            return NotApplicable("only one of the two is used")
    met = _pairs(patient, k, _oral(patient, victims), _oral(patient, cations))
    if not met:
        return NotApplicable("no oral pair that this order makes")
    clashes = [pair for pair in met if not _proven_apart(pair, k)]
    if not clashes:
        return Satisfied(_facts(met))
    clashes.sort(key=lambda pair: (pair.severity, pair.avoid, pair.far, pair.before + pair.after), reverse=True)
    return _card(patient, k, clashes)


def _card(patient: Patient, k: Limits, clashes: list[Pair]) -> Fires:
    worst = clashes[0]
    one_sided = "first" if worst.after <= NONE else "later" if worst.before <= NONE else "apart"
    variant = "avoid" if worst.avoid else "far" if worst.far else one_sided
    labels = dict.fromkeys(label for pair in clashes for row in pair.rows for label in row.labels)
    notes = dict.fromkeys(note for pair in clashes for note in pair.notes)
    if any(pair.product.as_needed for pair in clashes):
        notes["as-needed"] = None
    if _is_settled(patient, k, worst):
        notes["settled"] = None
    return Fires(
        variant,
        severity=worst.severity,
        because=_facts(clashes),
        values={
            "drug": worst.victim,
            "cations": worst.cations,
            "before": _hours(worst.before),
            "after": _hours(worst.after),
        },
        notes=(
            *map(_pair_line, clashes),
            *(_label_line(label, k) for label in labels),
            *notes,
            *k.data.notes,
            *patient.ask(supplement_opener),
        ),
    )


def _oral(patient: Patient, groups: tuple[str, ...]) -> list[Exposure]:
    return [exposure for exposure in patient.taking_or_ordering(*groups) if exposure.route == "oral"]


def _pairs(patient: Patient, k: Limits, victims: list[Exposure], products: list[Exposure]) -> list[Pair]:
    found = []
    for victim in victims:
        for product in products:
            if victim is product or not (victim.judged or product.judged):
                continue
            rows = tuple(row for row in k.data.rows if _applies(row, victim, product))
            if rows:
                spans = _longest(rows, "before", k), _longest(rows, "after", k)
                pair = Pair(victim, product, rows, *spans, Severity.INFO)
                found.append(msgspec.structs.replace(pair, severity=_severity(patient, k, pair)))
    return found


def _applies(row: Row, victim: Exposure, product: Exposure) -> bool:
    if not _is_in(victim, row.victims) or not _is_in(product, row.cations) or _is_in(product, row.other_than):
        return False
    return (not row.beside or _is_in(victim, row.beside)) and not _is_in(victim, row.without)


def _is_in(exposure: Exposure, groups: tuple[str, ...]) -> bool:
    return not (exposure.groups | exposure.ingredients).isdisjoint(groups)


def _longest(rows: tuple[Row, ...], side: Literal["before", "after"], k: Limits) -> timedelta:
    names = [getattr(label, side) for row in rows for label in row.labels]
    return max((k.span(name) for name in names if name is not None), default=NONE)


def _severity(patient: Patient, k: Limits, pair: Pair) -> Severity:
    """The row's own, critical with poor clearance where the row says so; info when only taken as needed, or settled."""
    floors = [row.critical_below for row in pair.rows if row.critical_below is not None]
    if any(patient.ask(kidney_function).below(k[floor]) for floor in floors):
        return Severity.CRITICAL
    if pair.product.as_needed or _is_settled(patient, k, pair):
        return Severity.INFO
    return _strongest(pair.rows)


def _strongest(rows: tuple[Row, ...]) -> Severity:
    return max(Severity[row.severity.upper()] for row in rows)


def _is_settled(patient: Patient, k: Limits, pair: Pair) -> bool:
    settled: Settled | None = k.data.settled
    if settled is None:
        return False
    result = next(iter(patient.series(settled.result, k.span(settled.within))), None)
    if result is None or result.range is None or result.comparator:
        return False
    low, high = result.range.low, result.range.high
    if low is None or high is None or not low <= result.value <= high:
        return False
    groups = tuple({name for row in pair.rows for name in (*row.victims, *row.cations)})
    return all(_taken_for(patient, e, groups) >= k.span(settled.taken) for e in (pair.victim, pair.product))


def _taken_for(patient: Patient, exposure: Exposure, groups: tuple[str, ...]) -> timedelta:
    """How long the drug is in use, for a draft including the order it renews; zero when no start is known."""
    same = [e for e in patient.taking(*groups) if e.ingredients == exposure.ingredients and e.route == exposure.route]
    return max((patient.taken_for(e) for e in (exposure, *same) if e.since is not None), default=NONE)


def _proven_apart(pair: Pair, k: Limits) -> bool:
    """Recorded times keep the distance in both directions, or put both with the same meal where that is allowed."""
    if pair.avoid or pair.far or pair.product.as_needed:
        return False
    if pair.with_food and with_same_meal(pair.victim, pair.product):
        return True
    taken: Windows | None = windows(pair.victim, k)
    given: Windows | None = windows(pair.product, k)
    if taken is None or given is None:
        return False
    return all(apart(one, other, pair.before, DAY - pair.after) for one in taken for other in given)


def _facts(pairs: list[Pair]) -> tuple[Exposure, ...]:
    return tuple({id(e): e for pair in pairs for e in (pair.victim, pair.product)}.values())


def _pair_line(pair: Pair) -> Phrase:
    values: dict[str, Value] = {
        "victim": pair.victim,
        "product": pair.product,
        "cations": pair.cations,
        "rule": _rule(pair.before, pair.after),
    }
    return Phrase("pair-avoid" if pair.avoid else "pair", values)


def _label_line(label: Label, k: Limits) -> Phrase:
    before, after = (NONE if name is None else k.span(name) for name in (label.before, label.after))
    return Phrase("label", {"region": Phrase(f"region-{label.region}"), "rule": _rule(before, after)})


def _rule(before: timedelta, after: timedelta) -> Phrase:
    values = {"before": _hours(before), "after": _hours(after)}
    if after <= NONE:
        return Phrase("before-only", values)
    return Phrase("both" if before > NONE else "after-only", values)


def _hours(span: timedelta) -> Decimal:
    """Hours as they are printed: 4, 0.5."""
    return (Decimal(span // timedelta(minutes=1)) / (timedelta(hours=1) // timedelta(minutes=1))).normalize()
