"""docs/alert-burden.md: the committed table as clinicians read it, around the judgement written by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from tests.cohort.baseline import FILE, UPDATE
from tests.cohort.burden import FATES
from tests.cohort.numbers import FOLDER, population
from tests.shipped import released

PAGE = FOLDER.parents[1] / "docs" / "alert-burden.md"
JUDGEMENT = FOLDER / "judgement.md"
NOISIEST = 5
SETTINGS = {"gp": "general practice", "outpatient": "outpatient clinic", "inpatient": "ward"}

INTRODUCTION = """
{people} made-up patients, drawn from the numbers in `fhir_fixtures/cohort/population.yaml` with a fixed seed, and the
calls that an EHR makes about them: the chart opened, one or two typical orders selected and signed, repeats, admission
and discharge. Default settings, outside the sandbox, nothing remembered. A test makes all calls again and fails when a
number changes; `tests/cohort` holds the generator.

The cohort is as good as its numbers, of which many are our own (`design`) or from memory (`recalled`). It tells how
rules compare and what a change does; what a site will see it learns by running silently first.
"""
COLUMNS = (
    *("setting", "hook", "calls", "cards per call", "no card", "1", "2", "3 or more", "99th percentile"),
    *("critical", "warning", "info", "per call when asked again"),
)

Table = dict[str, Any]


def page() -> str:
    """The whole page."""
    table: Table = yaml.safe_load(FILE.read_text("utf-8"))
    judgement = JUDGEMENT.read_text("utf-8")
    parts = [
        f"<!-- Written by `{UPDATE}` from fhir_fixtures/cohort; do not edit. -->\n\n# Alert burden",
        _introduction(),
        judgement.strip(),
        "## Cards per call\n\n" + "\n".join(_calls(table)),
        "## The noisiest rules\n\n" + "\n\n".join(_noisiest(table)),
        "## Every rule\n\n" + "\n".join(_rules(table)),
        "## Not judged\n\n" + "\n".join(_mute(table)),
        "## Sources\n\n" + "\n".join(_sources()),
        "## Why the table changed\n\n" + "\n".join(f"* `{one['table']}`: {one['reason']}" for one in table["changes"]),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction() -> str:
    people = sum(setting["patients"] for setting in population()["settings"].values())
    return INTRODUCTION.format(people=f"{people:,}").strip()


def _calls(table: Table) -> Iterator[str]:
    yield _line(*COLUMNS)
    yield _line("---", "---", *["---:"] * (len(COLUMNS) - 2))
    for setting, hook, cards, again, loud in table["calls"]:
        calls = sum(cards)
        shares = [_percent(one, calls) for one in (*cards[:3], sum(cards[3:]))]
        counts = [str(loud[name]) for name in ("critical", "warning", "info")]
        yield _line(
            setting, hook, str(calls), _mean(cards), *shares, str(_percentile(cards, 0.99)), *counts, _mean(again)
        )


def _noisiest(table: Table) -> Iterator[str]:
    for setting, name in SETTINGS.items():
        calls = next(sum(row[2]) for row in table["calls"] if row[:2] == [setting, "patient-view"])
        shown: Counter[str] = Counter()
        for place, hook, rule, severity, fates in table["rules"]:
            if (place, hook) == (setting, "patient-view") and fates.get("shown"):
                shown[f"{rule} ({severity})"] += fates["shown"]
        found = shown.most_common(NOISIEST)
        rows = [f"{rule} {number} times, {_percent(number, calls)} of charts" for rule, number in found]
        yield f"**{name.capitalize()}**, chart opened: " + "; ".join(rows) + "."


def _rules(table: Table) -> Iterator[str]:
    summed: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for _, hook, rule, severity, fates in table["rules"]:
        summed[rule, hook, severity].update(fates)
    yield "All settings together; the severity is the rule's own.\n"
    yield "| rule | hook | severity | fired | shown | absorbed | capped | withheld |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for key, fates in sorted(summed.items()):
        yield _line(*key, *(str(fates[name]) for name in FATES))
    yield _never(table)


def _never(table: Table) -> str:
    fired = {row[2] for row in table["rules"]}
    silent = [f"`{rule.id}`" for rule in released().rules if rule.id not in fired]
    return f"\n{len(silent)} rules never fired, for want of such patients: {', '.join(silent)}."


def _mute(table: Table) -> Iterator[str]:
    summed: dict[str, Counter[str]] = defaultdict(Counter)
    for _, rule, kinds in table["mute"]:
        summed[rule].update(kinds)
    yield "Over all hooks. `baseline.yaml` has them for each.\n"
    yield "| rule | gated | cannot tell |"
    yield "| --- | ---: | ---: |"
    for rule, kinds in sorted(summed.items()):
        yield _line(rule, str(kinds["gated"]), str(kinds["cannot-tell"]))


def _sources() -> Iterator[str]:
    for name, source in population()["sources"].items():
        yield f"* `{name}`: [{source['title']}]({source['url']}), read {source['read']}. {source['says']}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _mean(cards: list[int]) -> str:
    return f"{sum(number * calls for number, calls in enumerate(cards)) / sum(cards):.2f}"


def _percentile(cards: Iterable[int], share: float) -> int:
    counts = list(cards)
    reached = 0
    for number, calls in enumerate(counts):
        reached += calls
        if reached >= share * sum(counts):
            return number
    return len(counts)
