"""Which rules a site runs, which only silently, and which it has no use for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.overlay.file import SETTINGS

QT_GROUP = "qt-candidates"
QT_EMPTY = "the site's QT list is empty"


class Selection(msgspec.Struct, frozen=True):
    """Rule ids by what becomes of them; the last two as `Tenant` has them. `live`: silent in the base, shown here."""

    off: frozenset[str]
    silent: frozenset[str]
    live: frozenset[str]
    switched_off: Mapping[str, str]
    encounter_classes: Mapping[str, frozenset[str]]


def select_rules(desk: Desk, *, qt_is_empty: bool) -> Selection:
    """The site's choice of rules; unknown ids become findings."""
    entry = desk.entry
    off = frozenset(rule for n, pattern in enumerate(entry.off) for rule in desk.rules(pattern, "off", n))
    if isinstance(entry.silent, bool):
        silent = frozenset(rule.id for rule in desk.base.rules) if entry.silent else frozenset()
    else:
        silent = frozenset(rule for n, one in enumerate(entry.silent) for rule in desk.rules(one, "silent", n))
    switched, classes = _audience(desk)
    for pattern, cover in entry.covered_by_other_cds.items():
        reason = f"covered by {cover}"
        switched |= dict.fromkeys(desk.rules(pattern, "covered_by_other_cds", pattern), reason)
    if qt_is_empty:
        tokens = {f"drug:{QT_GROUP}", f"draft:{QT_GROUP}"}
        switched |= {rule.id: QT_EMPTY for rule in desk.base.rules if not tokens.isdisjoint(rule.trigger)}
    return Selection(off, silent, _live(desk, off, silent), switched, classes)


def _live(desk: Desk, off: frozenset[str], silent: frozenset[str]) -> frozenset[str]:
    """The silent rules that the site's own board decided to show. A tenant that is silent as a whole stays so."""
    statuses = {rule.id: rule.status for rule in desk.base.rules}
    whole = isinstance(desk.entry.silent, bool)
    for rule in desk.entry.live:
        if rule not in statuses:
            desk.unknown("rule", rule, statuses, "live", rule)
        elif statuses[rule] != "silent":
            remedy = "remove it: only a silent rule is made live here"
            desk.wrong(f"{rule} is {statuses[rule]} already", remedy, "live", rule)
        elif rule in off or (rule in silent and not whole):
            desk.wrong(f"{rule} is under off or silent as well", "keep it in one place", "live", rule)
        else:
            desk.remarks.append(f"{rule} is shown by the site's own decision")
    return frozenset(desk.entry.live)


def _audience(desk: Desk) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    switched: dict[str, str] = {}
    classes: dict[str, frozenset[str]] = {}
    setting = desk.entry.setting
    for pattern, audience in desk.entry.audience.items():
        settings = [word for word in audience if word in SETTINGS]
        listed = frozenset(audience) - set(settings)
        if settings and setting is None:
            desk.wrong("the audience names settings and the site has none", "add `setting`", "audience", pattern)
        for rule in desk.rules(pattern, "audience", pattern):
            if settings and setting is not None and setting not in settings:
                switched[rule] = f"meant for {', '.join(settings)}, not for {setting}"
            if listed:
                classes[rule] = listed
    return switched, classes
