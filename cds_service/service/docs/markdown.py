"""Pieces of Markdown that the generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `ionwise docs`; do not edit. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table and the empty line after it; without rows nothing."""
    found = list(rows)
    if not found:
        return []
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, found)]
    return [*lines, ""]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def page(lines: Iterable[str]) -> str:
    """A whole generated page."""
    return "\n".join([NOTICE, *lines]).rstrip() + "\n"


def rule_links(ids: Iterable[str], existing: Iterable[str], folder: str = "rules/") -> str:
    """Links to the pages of rules, separated by commas; a rule that is only planned is named without one."""
    known = set(existing)
    return ", ".join(f"[{one}]({folder}{one}.md)" if one in known else f"{one} (planned)" for one in ids)
