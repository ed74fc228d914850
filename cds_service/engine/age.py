"""Which rules suit the patient's stage of life (gate-paediatric): adults, children, or age unknown."""

from __future__ import annotations

import msgspec

from cds_service.facts.snapshot import Snapshot

ADULT_AT = 18


class LifeStage(msgspec.Struct, frozen=True):
    """`adult` and `child` are both false only for an unknown age on a paediatric ward."""

    adult: bool
    child: bool
    age_unknown: bool
    reason: str

    def suits(self, ages: str) -> bool:
        """Whether a rule for `adult`, `child` or `any` may run."""
        return ages == "any" or (self.adult if ages == "adult" else self.child)


def life_stage(snapshot: Snapshot) -> LifeStage:
    """Below 18 (by the youngest possible age) is a child; unknown is an adult unless the ward is paediatric."""
    age = snapshot.age
    if age is None:
        paediatric = snapshot.stay is not None and snapshot.stay.paediatric
        return LifeStage(
            not paediatric, False, True, "age unknown on a paediatric ward" if paediatric else "age unknown"
        )
    adult = age >= ADULT_AT
    return LifeStage(adult, not adult, False, "adult" if adult else "paediatric")
