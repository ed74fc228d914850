"""Asks one family of the shipped knowledge about a small chart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Exposure, Person, Problem, Result
from tests.cards.drugs import drug
from tests.shipped import knowledge
from tests.unit.engine.charts import moment, result, snapshot

DAY = timedelta(days=1)
COMPLETE_KEYS = ("labs", "conditions", "medications", "medicationStatements")


def ask(
    family: Callable[..., Any], *facts: Exposure | Problem | Result, sex: str | None = "female", **chart: Any
) -> Any:
    """The family's answer about a person of 66 with these facts and complete lists, unless `chart` says otherwise."""
    exposures: dict[str, tuple[Exposure, ...]] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    for fact in facts:
        if isinstance(fact, Exposure):
            for group in fact.groups:
                exposures[group] = (*exposures.get(group, ()), fact)
        elif isinstance(fact, Problem):
            problems[fact.group] = (*problems.get(fact.group, ()), fact)
    results = [fact for fact in facts if isinstance(fact, Result)]
    person = Person("p", moment(66 * 366 * DAY), sex, False)
    fields: dict[str, Any] = {"exposures": exposures, "problems": problems, "person": person} | chart
    known = knowledge().families[family]
    return Patient(snapshot(*results, **fields), Needs(uses=frozenset({known.id})), knowledge().families).ask(family)


def taken(group: str, **other: Any) -> Exposure:
    """An active drug of one group."""
    return drug(f"one-{group}", **({"groups": frozenset({group})} | other))


def problem(group: str, days: int | None = 1, **other: Any) -> Problem:
    """An active, confirmed problem of so many days ago (None: undated)."""
    values: dict[str, Any] = {"active": True, "confirmed": True, "by_text": False, "ref": group} | other
    return Problem(group, group, None if days is None else moment(days * DAY), **values)


def measured(concept: str, value: str, ago: timedelta = timedelta(hours=1), **other: Any) -> Result:
    """One result of an hour (or `ago`) before now."""
    return msgspec.structs.replace(result(value, concept=concept, **other), at=moment(ago))
