"""What a rule declares: its numbers, and what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec


class Limits(dict[str, Decimal]):
    """A rule's numbers by name: `k["severe"]` a Decimal in its own unit, `k.span("window")` a timedelta; `data` is the
    typed table of a family (for example the separation intervals). Never changed once made."""

    __slots__ = ("data", "span", "spans")

    def __init__(self, numbers: Mapping[str, Decimal], spans: Mapping[str, timedelta], data: Any = None) -> None:
        super().__init__(numbers)
        self.spans = spans
        self.span: Callable[[str], timedelta] = spans.__getitem__  # rules ask it often: spares a call each time
        self.data = data


class Needs(msgspec.Struct, frozen=True):
    """What a rule declares that it reads (its own needs and those of the families it uses)."""

    results: frozenset[str] = frozenset()
    drugs: frozenset[str] = frozenset()
    conditions: frozenset[str] = frozenset()
    procedures: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()

    def union(self, other: Needs) -> Needs:
        """Both together."""
        return Needs(*(getattr(self, name) | getattr(other, name) for name in self.__struct_fields__))


class FamilyKnowledge(msgspec.Struct, frozen=True):
    """A shared question (cards/_families): its id, limits and needs."""

    id: str
    limits: Limits
    needs: Needs
