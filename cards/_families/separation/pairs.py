"""Which victims and products may meet in the gut, how severe that is, and whether their times keep them apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from cards._families.kidney_function.family import kidney_function
from cards._families.separation.amounts import supplies
from cards._families.separation.clock import DAY, Windows, apart, windows, with_same_meal
from cards._families.separation.table import Row, Settled
from cds_service.facts.outcomes import Fact, Listing, Phrase, Severity
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result
from cds_service.facts.vocabulary import normal_name

NONE = timedelta(0)
NEVER_APART = ("avoid", "far", "watch")
SPELLINGS = {
    "cation-magnesium": ("magnes",),
    "cation-aluminium": ("alumin",),
    "cation-calcium": ("calcium",),
    "calcium": ("calcium",),
    "cation-iron": ("ferr", "ijzer", "iron"),
    "cation-zinc": ("zink", "zinc"),
    "cation-selenium": ("selen",),
    "cation-bismuth": ("bism",),
    "magnesium-supplement": ("magnes",),
    "magnesium-oxide": ("magnesiumoxid", "magnesium oxid"),
    "polystyrene-sulfonate": ("polystyre",),
    "sucralfate": ("sucralfa",),
    "lanthanum": ("lanth",),
    "sevelamer": ("sevelam",),
}
"""How names of products, Dutch and English, spell what they hold."""


class Pair(msgspec.Struct, frozen=True):
    """A victim and a product with cations that may meet in the gut, with the rows that say so.

    before, after  the intervals that are printed; `gap`: how long before the victim the product still counts as with it
    clearance      the kidney function that makes the pair critical
    """

    victim: Exposure
    product: Exposure
    rows: tuple[Row, ...]
    before: timedelta
    after: timedelta
    gap: timedelta
    severity: Severity
    clearance: Fact | None = None

    @property
    def never_apart(self) -> str | None:
        """Why no times can satisfy the pair: the strictest word of its rows; None when times can."""
        said = {row.never_apart for row in self.rows}
        return next((word for word in NEVER_APART if word in said), None)

    @property
    def rank(self) -> tuple[Severity, int, timedelta]:
        """The higher, the more a card is about this pair."""
        word = self.never_apart
        strict = 0 if word is None or word == "watch" else len(NEVER_APART) - NEVER_APART.index(word)
        return self.severity, strict, self.before + self.after

    @property
    def terms(self) -> tuple[str | None, timedelta, timedelta]:
        """What is asked of the pair: pairs of the same terms are told of in one sentence."""
        return self.never_apart, self.before, self.after

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
        return Listing(tuple(Phrase(cation) for cation in self._held))

    @property
    def told_by_name(self) -> bool:
        """Whether the product's own name says all of that already: magnesium citrate counts as magnesium."""
        name = normal_name(self.product.name)
        return all(any(word in name for word in SPELLINGS.get(cation, ())) for cation in self._held)

    @property
    def _held(self) -> tuple[str, ...]:
        held = self.product.groups | self.product.ingredients
        return tuple(dict.fromkeys(cation for row in self.rows for cation in row.cations if cation in held))


def oral(patient: Patient, groups: tuple[str, ...]) -> list[Exposure]:
    """What is taken or ordered of the groups, by mouth."""
    return [exposure for exposure in patient.taking_or_ordering(*groups) if exposure.route == "oral"]


def find_pairs(
    patient: Patient, k: Limits, victims: list[Exposure], products: list[Exposure]
) -> tuple[list[Pair], tuple[str, ...]]:
    """The pairs that this call is about, and the amounts that would have to be known to see all."""
    found: list[Pair] = []
    unknown: dict[str, None] = {}
    for victim in victims:
        for product in products:
            if victim is product or not (victim.judged or product.judged or patient.hook not in ORDER_HOOKS):
                continue
            rows = []
            for row in (row for row in k.data.rows if _applies(row, victim, product)):
                enough = _is_enough(row, victim, product, products, patient, k)
                if enough is None:
                    unknown[f"dose of {row.cations[0]}"] = None
                elif enough:
                    rows.append(row)
            if rows:
                found.append(_pair(patient, k, victim, product, tuple(rows)))
    return found, tuple(unknown)


def _pair(patient: Patient, k: Limits, victim: Exposure, product: Exposure, rows: tuple[Row, ...]) -> Pair:
    before, after = _longest(rows, "before", k), _longest(rows, "after", k)
    gap = max((k.span(row.not_soon_after) for row in rows if row.not_soon_after is not None), default=NONE)
    clearance = _poor_clearance(patient, k, rows)
    pair = Pair(victim, product, rows, before, after, gap, Severity.CRITICAL, clearance)
    return pair if clearance is not None else msgspec.structs.replace(pair, severity=_severity(patient, k, pair))


def _applies(row: Row, victim: Exposure, product: Exposure) -> bool:
    if not _is_in(victim, row.victims) or not _is_in(product, row.cations) or _is_in(product, row.other_than):
        return False
    words = frozenset(normal_name(victim.name).split()) if row.named or row.not_named else frozenset()
    if (row.named and words.isdisjoint(row.named)) or not words.isdisjoint(row.not_named):
        return False
    return (not row.beside or _is_in(victim, row.beside)) and not _is_in(victim, row.without)


def _is_enough(
    row: Row, victim: Exposure, product: Exposure, products: list[Exposure], patient: Patient, k: Limits
) -> bool | None:
    """Whether as much is supplied as the row asks for; None when that cannot be told."""
    amount = row.amount
    if amount is None:
        return True
    counted = [victim] if amount.of == "victim" else [product]
    if amount.of == "product" and amount.per == "day":
        counted = [other for other in products if _is_in(other, row.cations)]
    enough = supplies(amount, counted, patient, k)
    if enough is None and amount.unknown != "cannot-tell":
        return amount.unknown == "holds"
    return enough


def _is_in(exposure: Exposure, groups: tuple[str, ...]) -> bool:
    return not (exposure.groups | exposure.ingredients).isdisjoint(groups)


def _longest(rows: tuple[Row, ...], side: Literal["before", "after"], k: Limits) -> timedelta:
    names = [getattr(label, side) for row in rows for label in row.labels]
    return max((k.span(name) for name in names if name is not None), default=NONE)


def _poor_clearance(patient: Patient, k: Limits, rows: tuple[Row, ...]) -> Fact | None:
    """What shows that the kidneys clear less than the floor of one of the rows; dialysis is less than any."""
    floors = [k[row.critical_below] for row in rows if row.critical_below is not None]
    if not floors:
        return None
    kidney = patient.ask(kidney_function)
    if kidney.dialysis is not None:
        return kidney.dialysis
    return kidney.basis if kidney.below(max(floors)) else None


def _severity(patient: Patient, k: Limits, pair: Pair) -> Severity:
    """The row's own; info when only taken as needed, or settled."""
    if pair.product.as_needed or settled_by(patient, k, pair) is not None:
        return Severity.INFO
    return _strongest(pair.rows)


def _strongest(rows: tuple[Row, ...]) -> Severity:
    return max(Severity[row.severity.upper()] for row in rows)


def settled_by(patient: Patient, k: Limits, pair: Pair) -> Result | None:
    """The result that would show an interaction, when it is in range and both were used together for long."""
    settled: Settled | None = k.data.settled
    if settled is None:
        return None
    result = next(iter(patient.series(settled.result, k.span(settled.within))), None)
    if result is None or result.range is None or result.comparator:
        return None
    low, high = result.range.low, result.range.high
    if low is None or high is None or not low <= result.value <= high:
        return None
    groups = tuple({name for row in pair.rows for name in (*row.victims, *row.cations)})
    long = all(_taken_for(patient, e, groups) >= k.span(settled.taken) for e in (pair.victim, pair.product))
    return result if long else None


def _taken_for(patient: Patient, exposure: Exposure, groups: tuple[str, ...]) -> timedelta:
    """How long the drug is in use, for a draft including the order it renews; zero when no start is known."""
    same = [e for e in patient.taking(*groups) if e.ingredients == exposure.ingredients and e.route == exposure.route]
    return max((patient.taken_for(e) for e in (exposure, *same) if e.since is not None), default=NONE)


def proven_apart(pair: Pair, k: Limits) -> bool:
    """Recorded times keep the distance in both directions, or put both with the same meal where that is allowed."""
    if pair.never_apart is not None or pair.product.as_needed:
        return False
    if pair.with_food and with_same_meal(pair.victim, pair.product):
        return True
    taken: Windows | None = windows(pair.victim, k)
    given: Windows | None = windows(pair.product, k)
    if taken is None or given is None:
        return False
    latest = DAY - max(pair.after, pair.gap)
    return all(apart(one, other, pair.before, latest) for one in taken for other in given)


def has_times(pair: Pair, k: Limits) -> bool:
    """Whether all times of intake of both are recorded."""
    return windows(pair.victim, k) is not None and windows(pair.product, k) is not None


def facts_of(pairs: list[Pair]) -> tuple[Fact, ...]:
    """The drugs of the pairs, and what makes them critical, each once."""
    facts = (fact for pair in pairs for fact in (pair.victim, pair.product, pair.clearance) if fact is not None)
    return tuple({id(fact): fact for fact in facts}.values())
