"""The shape of a separation table: what a rule of the family says under `data`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cds_service.knowledge.file_model import FileModel, Id
from cds_service.knowledge.rule_file import Name

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]


class Label(FileModel):
    """One text that gives an interval: the names of the limits (hours) for the victim before and after the cation.

    A side left out has no interval of its own: "before" alone is a drug that is taken first.
    """

    region: Literal["us", "eu", "uk", "reference", "consensus", "own"]
    before: Name | None = None
    after: Name | None = None


class Amount(FileModel):
    """How much must be supplied for a row to hold, in mg: a dose (the largest), or a day (all products together).

    of       whose amount: the victim's, or that of the products with cations
    element  count this element; without it, what the label says, salt or not
    unknown  what an amount that cannot be computed means: the row holds, it does not (another row holds then), or
             nobody can tell
    A record that may mean the salt or the element counts with its higher reading.
    """

    of: Literal["victim", "product"]
    per: Literal["dose", "day"]
    element: Literal["calcium", "zinc"] | None = None
    at_least: Name | None = None
    above: Name | None = None
    below: Name | None = None
    unknown: Literal["holds", "fails", "cannot-tell"]

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if sum(limit is not None for limit in (self.at_least, self.above, self.below)) != 1:
            raise ValueError("needs exactly one of at_least, above and below")
        return self


class Row(FileModel):
    """One line of the table: which victims, which cations, and what must lie between them.

    labels       all texts that give an interval; the longest of each side counts, all are printed
    evidence     those of the rule's sources that a card of this row cites; without it, all of them
    never_apart  times never satisfy the row; the variant says why: `avoid` (spacing is not enough), `far` (no distance
                 is known to be enough) or `watch` (something else than spacing must be done)
    with_food    taking both with the same meal is allowed
    not_soon_after  where the texts give no interval after the cation: so long after it still counts as with it
    beside, without  only victims that also hold one of these ingredients; only victims that hold none of them
    other_than   products of these groups have a row of their own
    named, not_named  only victims whose recorded name has one of these words; none of them (forms without a code)
    mechanism    where it is another than that of the table
    amount       only when so much is supplied
    critical_below  the limit of eGFR below which the pair is critical (needs the family kidney-function)
    notes        ids of notes that this row adds
    """

    victims: Annotated[tuple[Id, ...], Field(min_length=1)]
    cations: Annotated[tuple[Id, ...], Field(min_length=1)]
    labels: tuple[Label, ...] = ()
    evidence: tuple[Id, ...] = ()
    never_apart: Literal["avoid", "far", "watch"] | None = None
    with_food: bool = False
    not_soon_after: Name | None = None
    beside: tuple[Id, ...] = ()
    without: tuple[Id, ...] = ()
    other_than: tuple[Id, ...] = ()
    named: tuple[Word, ...] = ()
    not_named: tuple[Word, ...] = ()
    mechanism: Name | None = None
    amount: Amount | None = None
    severity: Literal["info", "warning"]
    critical_below: Name | None = None
    notes: tuple[Name, ...] = ()


class Settled(FileModel):
    """When an old pair is only mentioned: a result within its laboratory's range, and both drugs taken for long."""

    result: Id
    within: Name
    taken: Name


class Data(FileModel):
    """The table of one rule; `notes` are added to each of its cards.

    mechanism  what the products do to the victims: binding, or acid (they take away what it needs); the phrases
               `mechanism-...` say it
    plan, otherwise  the phrases that say what to do, and what when that cannot be done
    """

    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    settled: Settled | None = None
    mechanism: Name = "binding"
    plan: Name = "plan"
    otherwise: Name = "otherwise"
    notes: tuple[Name, ...] = ()
