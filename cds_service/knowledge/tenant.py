"""What one tenant decided besides the rules themselves: where it differs from the base knowledge and the deployment."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

DEFAULT_TENANT = "default"


class Tenant(msgspec.Struct, frozen=True):
    """A site's settings, after its overlay was checked. None: as the deployment's settings say.

    switched_off        rule id -> why this site has no use for it (shown in the trace)
    encounter_classes   rule id -> the encounter classes for which it is meant
    orderables_required a suggested order without a code of the EHR's own becomes a line of text
    silent              all rules are evaluated, none is shown
    limits              limits that the site moved: `<rule or family>.<name>` -> value
    remarks             what the overlay does that someone must know of
    """

    name: str = DEFAULT_TENANT
    switched_off: Mapping[str, str] = {}
    encounter_classes: Mapping[str, frozenset[str]] = {}
    orderables_required: bool = False
    silent: bool = False
    languages: tuple[str, ...] | None = None
    time_zone: str | None = None
    absent_sources: frozenset[str] | None = None
    icu_locations: frozenset[str] | None = None
    admit_unknown_status: bool | None = None
    limits: Mapping[str, Decimal] = {}
    remarks: tuple[str, ...] = ()

    def off(self, rule_id: str, encounter_class: str) -> str:
        """Why a rule is off for a call, or "". Without a known encounter class a rule stays on."""
        reason = self.switched_off.get(rule_id, "")
        if reason or not encounter_class:
            return reason
        classes = self.encounter_classes.get(rule_id)
        return f"not meant for encounter class {encounter_class}" if classes and encounter_class not in classes else ""
