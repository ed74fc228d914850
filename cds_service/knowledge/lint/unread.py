"""No live rule decides a warning or a critical card on a number that nobody has read."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding
from cds_service.facts.outcomes import Severity
from cds_service.knowledge.limit_users import used_limits, worst
from cds_service.knowledge.lint.desk import Desk

NAME = "unread"


def check(desk: Desk) -> Iterator[Finding]:
    """Limits that are recalled only, and that a live rule with such a card uses."""
    sources = {source.entry.id: source for source in desk.sources.owners}
    for used in used_limits(desk.knowledge):
        if used.limit.provenance != "recalled":
            continue
        shown = [rule for rule in used.users if rule.status == "live" and worst(rule) > Severity.INFO]
        if shown:
            card = max(map(worst, shown))
            problem = f"{used.name} was recalled and not read, and {shown[0].id} shows a {card} card"
            remedy = "read it in a source, or give the rule the status silent"
            yield sources[used.owner.id].finding(NAME, problem, remedy, "limits", used.limit.name)
