"""Elemental magnesium a day."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cds_service.facts.patient import Limits, Patient


class MagnesiumIntake(msgspec.Struct, frozen=True):
    """Interim."""

    unknown: bool

    def may_reach(self, limit: Decimal) -> bool:
        """Interim."""
        return self.unknown


def magnesium_intake(patient: Patient, k: Limits) -> MagnesiumIntake:
    """Interim."""
    return MagnesiumIntake(bool(patient.taking("magnesium")))
