"""`ionwise stats`: sums over days, answers by the last report, in text and as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.records import Tally
from cds_service.storage.stats import Statistics, as_json, as_text, collect
from cds_service.storage.store import Store
from tests.storage.samples import NOW, accepted, cannot_tell, entry, issue, overridden, written

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


async def busy_days(store: Store, people: Pseudonyms, **range_: str) -> Statistics:
    """Three days of which two are asked for."""
    for days, name in ((0, "a"), (1, "b"), (2, "c")):
        fired = (
            issue(card=name),
            issue("k-low", name, disposition="absorbed"),
            issue("old", None, disposition="suppressed", reason="or-benefit"),
            issue("noisy", None, disposition="silent"),
            issue("late", None, disposition="capped"),
        )
        states = {"magnesium": "data", "ecg": "missing"}
        store.record(
            entry(people, *fired, as_of=NOW - days * DAY, tallies=(cannot_tell("ca-low", "calcium"),), prefetch=states)
        )
    store.record(entry(people, issue(card="d", version=2), tenant="other", hook="order-sign"))
    await store.add_feedback("t", "ehr", [overridden("a"), accepted("a", 1), overridden("b"), overridden("x")], NOW)
    await written(store)
    return await collect(store.database, NOW.date() - DAY, NOW.date(), **range_)


async def test_the_figures_of_a_rule(store: Store, people: Pseudonyms) -> None:
    found = await busy_days(store, people)
    rules = {(r.tenant, r.rule, r.version, r.hook): r for r in found.rules}
    shown = rules["t", "mg-low", 1, "patient-view"]
    assert (shown.fired, shown.shown, shown.accepted, shown.overridden) == (2, 2, 1, {"or-benefit": 1})
    assert rules["t", "k-low", 1, "patient-view"].absorbed == 2
    assert rules["t", "k-low", 1, "patient-view"].accepted == 0
    assert rules["t", "old", 1, "patient-view"].suppressed == {"or-benefit": 2}
    assert rules["t", "noisy", 1, "patient-view"].silent == 2
    assert rules["t", "late", 1, "patient-view"].capped == 2
    missing = rules["t", "ca-low", 1, "patient-view"]
    assert (missing.fired, missing.cannot_tell) == (0, {"calcium": 2})
    assert rules["other", "mg-low", 2, "order-sign"].fired == 1
    assert found.unknown_cards == 1


async def test_the_health_of_prefetch(store: Store, people: Pseudonyms) -> None:
    found = await busy_days(store, people)
    assert [(p.tenant, p.client, p.key, p.states) for p in found.prefetch] == [
        ("t", "ehr", "ecg", {"missing": 2}),
        ("t", "ehr", "magnesium", {"data": 2}),
    ]


async def test_the_figures_of_one_tenant(store: Store, people: Pseudonyms) -> None:
    found = await busy_days(store, people, tenant="other")
    assert [(r.tenant, r.fired) for r in found.rules] == [("other", 1)]
    assert (found.prefetch, found.unknown_cards) == ([], 0)


async def test_as_text_and_as_json(store: Store, people: Pseudonyms) -> None:
    found = await busy_days(store, people)
    lines = [line.split() for line in as_text(found).splitlines()]
    assert ["t", "mg-low", "1", "patient-view", "2", "2", "0", "0", "0", "0", "1", "1", "0"] in lines
    assert ["t", "ca-low", "1", "patient-view", "calcium", "2"] in lines
    assert ["t", "ehr", "magnesium", "2", "0", "0", "0", "0", "0"] in lines
    data = json.loads(as_json(found))
    assert data["first"] == "2026-03-01"
    assert data["rules"][-1]["overridden"] == {"or-benefit": 1} or data["rules"][0]["rule"] == "mg-low"


async def test_as_text_a_rule_that_was_always_satisfied_has_no_line(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, tallies=(Tally("ca-high", 1, "satisfied", ""),)))
    await written(store)
    found = await collect(store.database, NOW.date(), NOW.date())
    assert [rule.rule for rule in found.rules] == ["ca-high"]
    assert "ca-high" not in as_text(found)


async def test_what_another_client_says_of_a_card_is_not_an_answer(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue(card="a")))
    await store.add_feedback("t", "ehr", [accepted("a")], NOW)
    await store.add_feedback("t", "other", [overridden("a", 1)], NOW)
    await written(store)
    found = await collect(store.database, NOW.date(), NOW.date())
    assert [(rule.accepted, rule.overridden) for rule in found.rules] == [(1, {})]
    assert found.unknown_cards == 1


async def test_no_data_is_no_error(store: Store) -> None:
    assert "fired" in as_text(await collect(store.database, NOW.date(), NOW.date()))
