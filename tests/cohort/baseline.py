"""The committed alert burden: fhir_fixtures/cohort/baseline.yaml, and why it last changed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import orjson
import yaml

from tests.cohort.burden import FATES, MOST, Burden
from tests.cohort.charts import chart_of
from tests.cohort.numbers import FOLDER
from tests.cohort.people import Person

FILE = FOLDER / "baseline.yaml"
UPDATE = 'python -m tests.cohort --because "why it changed"'
HEAD = f"""\
# The alert burden of the synthetic cohort at default settings. Written by `{UPDATE}`; do not edit.
#
# changes  the newest last: which table (the start of its hash) and why it is as it is
# cohort   hash of all charts: when it changes, the patients changed and not only the rules
# calls    setting, hook -> calls that gave 0, 1, 2, 3, 4, 5 cards; the same when the same user asks again; how loud
# rules    setting, hook, rule, severity -> what became of it: fired, shown as a card, absorbed by one, capped, withheld
# mute     hook, rule -> gated and cannot-tell
"""


def table_of(burden: Burden, cohort: str) -> str:
    """The table as it stands in the file, one row a line, in a fixed order."""
    lines = [f"cohort: {cohort}", "calls:"]
    for place, cards in sorted(burden.cards.items()):
        again, loud = burden.again[place], burden.loud[place]
        loudness = ", ".join(f"{name}: {loud[name]}" for name in ("critical", "warning", "info"))
        lines.append(f"- [{', '.join(place)}, {_row(cards)}, {_row(again)}, {{{loudness}}}]")
    lines.append("rules:")
    for spoken, fates in sorted(burden.fates.items()):
        lines.append(f"- [{', '.join(spoken)}, {_counted(fates, FATES)}]")
    lines.append("mute:")
    mute: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (_, hook, rule), kinds in burden.mute.items():
        mute[hook, rule].update(kinds)
    for key, kinds in sorted(mute.items()):
        lines.append(f"- [{', '.join(key)}, {_counted(kinds, ('gated', 'cannot-tell'))}]")
    return "\n".join(lines) + "\n"


def _row(cards: Counter[int]) -> str:
    return f"[{', '.join(str(cards[number]) for number in range(MOST + 1))}]"


def _counted(counter: Counter[str], names: Iterable[str]) -> str:
    return f"{{{', '.join(f'{name}: {counter[name]}' for name in names if counter[name])}}}"


def mark_of(table: str) -> str:
    """What a change names a table by."""
    return hashlib.sha256(table.encode()).hexdigest()[:12]


def cohort_mark(everyone: Iterable[Person]) -> str:
    """What the charts of all patients are named by."""
    digest = hashlib.sha256()
    for person in everyone:
        chart = chart_of(person)
        digest.update(orjson.dumps([chart.patient, chart.resources]))
    return digest.hexdigest()[:12]


def committed() -> tuple[list[dict[str, str]], str]:
    """The changes in the file, and its table as text."""
    head, _, table = FILE.read_text("utf-8").partition("cohort: ")
    read: dict[str, Any] = yaml.safe_load(head)
    return read["changes"], "cohort: " + table


def write(table: str, because: str | None) -> None:
    """Put a table into the file. Raises ValueError when it differs from the one there and nothing says why."""
    changes: list[dict[str, str]] = []
    if FILE.exists():
        changes, before = committed()
        if table == before:
            return
    if not because:
        raise ValueError(f"the table changed: say why, {UPDATE}")
    changes = [*changes, {"table": mark_of(table), "reason": because}]
    told = "".join(
        f"- {{table: {one['table']!r}, reason: {orjson.dumps(one['reason']).decode()}}}\n" for one in changes
    )
    FILE.write_text(f"{HEAD}\nchanges:\n{told}\n{table}", "utf-8")
