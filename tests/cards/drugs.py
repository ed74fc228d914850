"""Small charts that hold only drugs, for the mechanisms shared by rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.facts.moments import AsOf
from cds_service.facts.records import Coverage, Exposure, Person
from cds_service.facts.snapshot import Snapshot

ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_NUMBER = count()


def drug(ingredient: str, **other: Any) -> Exposure:
    """An active oral drug without dosage; `other` overrides any member."""
    fields: dict[str, Any] = {
        "name": ingredient,
        "ingredients": frozenset({ingredient}),
        "groups": frozenset(),
        "status": "active",
        "route": "oral",
        "since": None,
        "until": None,
        "dosages": (),
        "strengths": (),
        "ref": f"MedicationRequest/{next(_NUMBER)}",
        "known_by": "ATC",
    }
    return Exposure(**(fields | other))


def chart(*exposures: Exposure, salts: Mapping[str, Any] | None = None, **other: Any) -> Snapshot:
    """A chart of these drugs at order-sign, with complete drug lists."""
    by_name: dict[str, tuple[Exposure, ...]] = {}
    for exposure in exposures:
        for name in exposure.groups | exposure.ingredients:
            by_name[name] = (*by_name.get(name, ()), exposure)
    fields: dict[str, Any] = {
        "as_of": AsOf(NOW, ZONE, date(2026, 11, 21)),
        "hook": "order-sign",
        "person": Person("p", None, None, False),
        "stay": None,
        "results": {},
        "unusable": {},
        "conflicts": {},
        "exposures": by_name,
        "drug_list": exposures,
        "unmapped": (),
        "problems": {},
        "procedures": {},
        "orders": {},
        "coverage": {key: Coverage("complete") for key in ("medications", "medicationStatements", "conditions")},
        "concept_keys": {},
        "present": frozenset(),
        "salts": salts or {},
    }
    return Snapshot(**(fields | other))
