"""Charts whose last word may be another one: provisional results, and results that contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.errors import UndeclaredReadError
from cds_service.facts.declarations import FamilyKnowledge, Needs
from cds_service.facts.patient import Patient
from cds_service.facts.records import PROVISIONAL, Result
from cds_service.facts.snapshot import Snapshot


class InDoubt(Patient):
    """A view that weighs what a plain one leaves out; its answers are its own.

    `provisional`: whether results that may not be the last word (preliminary, or page cut) take part.
    `instead`: concept -> result that takes the place of the latest (to weigh two conflicting results).
    """

    __slots__ = ("_instead", "_provisional")

    def __init__(
        self,
        snapshot: Snapshot,
        needs: Needs,
        families: Mapping[Callable[..., Any], FamilyKnowledge],
        instead: Mapping[str, Result],
        *,
        provisional: bool,
    ) -> None:
        super().__init__(snapshot, needs, families)
        self._instead = instead
        self._provisional = provisional
        self._answers = {}

    def _view(self, needs: Needs) -> Patient:
        view = InDoubt(self.snapshot, needs, self._families, self._instead, provisional=self._provisional)
        view._answers = self._answers
        return view

    def last_known(self, concept: str) -> Result | None:
        """The result to weigh, when it may take part, else the latest."""
        found = self._settled(concept)
        rival = self._instead.get(concept)
        if rival is not None and rival.age != "ignored" and (self._provisional or rival.flags.isdisjoint(PROVISIONAL)):
            return rival
        return found[0] if found and found[0].age != "ignored" else None

    def _settled(self, concept: str) -> tuple[Result, ...]:
        if not self._provisional:
            return super()._settled(concept)
        if concept not in self._needs.results:
            raise UndeclaredReadError(f"result {concept}")
        return self.snapshot.results.get(concept, ())

    def _require_settled(self, concept: str) -> None:
        if not self._provisional:
            super()._require_settled(concept)
