"""The shape of rule.yaml (docs/knowledge-format.md), checked before anything is compiled."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cds_service.knowledge.file_model import Bilingual, FileModel, Hook, Id, IsoDate, Number
from cds_service.knowledge.model import Grade, Provenance, Status, Tier

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
Token = Annotated[str, Field(pattern=r"^(result|drug|draft|condition|procedure):[a-z][a-z0-9-]*$")]
SPAN_UNITS = ("d", "h")


class LimitEntry(FileModel):
    """One number: either with unit, range and provenance, or `same_as` another rule's or family's.

    constant: part of a published formula, not a limit: no site may move it, and limit mutation leaves it alone.
    """

    value: Number | None = None
    unit: str | None = None
    range: tuple[Number, Number] | None = None
    provenance: Provenance | None = None
    evidence: Id | None = None
    same_as: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*$")] | None = None
    constant: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        own = (self.value, self.unit, self.range, self.provenance)
        if self.same_as is not None:
            if any(part is not None for part in (*own, self.evidence)):
                raise ValueError("has same_as and a number of its own; keep one of them")
            return self
        if any(part is None for part in own):
            raise ValueError("needs value, unit, range and provenance (or only same_as)")
        return self


class NeedsEntry(FileModel):
    """What is read; ids of the value sets, `uses` ids of families."""

    results: tuple[Id, ...] = ()
    drugs: tuple[Id, ...] = ()
    conditions: tuple[Id, ...] = ()
    procedures: tuple[Id, ...] = ()
    orders: tuple[Id, ...] = ()
    uses: tuple[Id, ...] = ()


class ReviewEntry(FileModel):
    """Who wrote and checked it, when, and when again."""

    author: str
    checker: str
    reviewed: IsoDate
    next: IsoDate


class CardEntry(FileModel):
    """The texts of one variant."""

    indicator: Literal["info", "warning", "critical"]
    summary: Bilingual
    why: Bilingual | None = None
    do: tuple[Bilingual, ...] = ()
    suggestions: tuple[Id, ...] | None = None
    grade: Grade | None = None
    tier: Tier | None = None


class RuleEntry(FileModel):
    """One rule.yaml."""

    id: Id
    version: Annotated[int, Field(ge=1)]
    status: Status
    group: Annotated[str, Field(pattern=r"^[A-K]$")]
    title: Bilingual
    hooks: Annotated[tuple[Hook, ...], Field(min_length=1)]
    tier: dict[Literal["default"] | Hook, Tier]
    ages: Literal["adult", "child", "any"]
    gates: tuple[Id, ...] = ()
    recent_is_fresh_at: tuple[Hook, ...] = ()
    tells_age: bool = False
    trigger: Annotated[tuple[Token, ...], Field(min_length=1)]
    together_with: tuple[Token, ...] = ()
    needs: NeedsEntry
    limits: dict[Name, LimitEntry] = {}
    grade: Grade
    evidence: Annotated[tuple[Id, ...], Field(min_length=1)]
    known_limits: Annotated[tuple[Bilingual, ...], Field(min_length=1)]
    override_reasons: tuple[Id, ...] = ()
    suggestions: tuple[Id, ...] = ()
    review: ReviewEntry
    cards: dict[Name, CardEntry] = {}
    notes: dict[Name, Bilingual] = {}
    phrases: dict[Name, Bilingual] = {}
    family: Id | None = None
    data: Any = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if "default" not in self.tier:
            raise ValueError("tier needs a default")
        if self.family is None and not self.cards:
            raise ValueError("cards needs at least one variant")
        if self.family is None and self.data is not None:
            raise ValueError("data belongs to a family; name it under family")
        return self
