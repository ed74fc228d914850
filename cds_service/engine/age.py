"""Which rules suit the patient's stage of life (gate-paediatric): adults, children, or age unknown."""

from __future__ import annotations

import msgspec

from cds_service.facts.moments import is_adult
from cds_service.facts.snapshot import Snapshot


class LifeStage(msgspec.Struct, frozen=True):
    """A stage of life: which rules suit it (those for `adult`, `child` or `any`), and how it is named as a reason."""

    suits: frozenset[str]
    age_unknown: bool
    reason: str


ADULT = LifeStage(frozenset({"any", "adult"}), False, "adult")
CHILD = LifeStage(frozenset({"any", "child"}), False, "paediatric")
UNKNOWN = LifeStage(ADULT.suits, True, "age unknown")
UNKNOWN_ON_PAEDIATRIC_WARD = LifeStage(frozenset({"any"}), True, "age unknown on a paediatric ward")


def life_stage(snapshot: Snapshot) -> LifeStage:
    """Below 18 (by the youngest possible age) is a child; unknown is an adult unless the ward is paediatric."""
    age = snapshot.age
    if age is not None:
        return ADULT if is_adult(age) else CHILD
    return UNKNOWN_ON_PAEDIATRIC_WARD if snapshot.stay is not None and snapshot.stay.paediatric else UNKNOWN
