"""Which rules a site runs, which only silently, and which it has no use for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.overlay.file import SETTINGS

QT_GROUP = "qt-candidates"
QT_EMPTY = "the site's QT list is empty"


class Selection(msgspec.Struct, frozen=True):
    """Rule ids by what becomes of them; the last two as `Tenant` has them."""

    off: frozenset[str]
    silent: frozenset[str]
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
    return Selection(off, silent, switched, classes)


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
