"""Which tests of a panel were not done and are not ordered: for rules that ask for what is missing and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from cds_service.errors import CannotTellError
from cds_service.facts.patient import Patient

Panel = Sequence[tuple[str, tuple[str, ...]]]
"""The phrase that names each test, and the concepts of which any one will do."""


class PanelGaps(msgspec.Struct, frozen=True):
    """What is missing of a panel.

    missing  phrase -> concepts of the tests that were surely neither done nor ordered
    unsure   phrase -> what is not known, of the tests of which that cannot be told
    """

    missing: Mapping[str, tuple[str, ...]]
    unsure: Mapping[str, tuple[str, ...]]

    @property
    def concepts(self) -> frozenset[str]:
        """The concepts of the missing tests."""
        return frozenset([concept for concepts in self.missing.values() for concept in concepts])

    def require_certainty(self) -> None:
        """Raises CannotTellError, naming all that is not known, unless nothing is unsure."""
        if self.unsure:
            raise CannotTellError(*dict.fromkeys([item for items in self.unsure.values() for item in items]))


def find_gaps(patient: Patient, panel: Panel, interval: timedelta, order_window: timedelta) -> PanelGaps:
    """The tests without an exact result in `interval` and without an active order in `order_window`."""
    missing: dict[str, tuple[str, ...]] = {}
    unsure: dict[str, tuple[str, ...]] = {}
    for phrase, concepts in panel:
        if any(not r.comparator for concept in concepts for r in patient.series(concept, interval)):
            continue
        if any(patient.ordered(concept, order_window) is not None for concept in concepts):
            continue
        try:
            for concept in concepts:
                patient.not_measured_within(concept, interval)
                patient.surely_not_ordered(concept, order_window)
        except CannotTellError as unknown:
            unsure[phrase] = unknown.missing
        else:
            missing[phrase] = concepts
    return PanelGaps(missing, unsure)
