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
        self._newest = self._weighed()

    def _weighed(self) -> Mapping[str, Result]:
        """By concept the result to weigh, when it may take part, else the latest."""
        results = self.snapshot.results if self._provisional else self.snapshot.settled
        found = {concept: r[0] for concept, r in results.items() if r}
        for concept, rival in self._instead.items():
            if rival.age != "ignored" and (self._provisional or rival.flags.isdisjoint(PROVISIONAL)):
                found[concept] = rival
        return {concept: result for concept, result in found.items() if result.age != "ignored"}

    def _settled(self, concept: str) -> tuple[Result, ...]:
        if not self._provisional:
            return super()._settled(concept)
        if concept not in self.needs.results:
            raise UndeclaredReadError(f"result {concept}")
        return self.snapshot.results.get(concept, ())

    def _require_settled(self, concept: str) -> None:
        if not self._provisional:
            super()._require_settled(concept)
