"""Memory: what the decision gets to know about earlier cards, by the decisions' own time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cds_service.facts.outcomes import Severity
from cds_service.storage.memory import Remembered
from cds_service.storage.pseudonyms import Key, Pseudonyms
from cds_service.storage.recollection import NEWEST
from cds_service.storage.store import Store
from tests.storage.samples import NOW, YEAR_AGO, accepted, entry, issue, overridden, question, written

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


RULES = ("mg-low", "k-low", "sep")


async def recall(store: Store, people: Pseudonyms, user: str | None = "dr") -> tuple[Remembered, ...]:
    """What is remembered of patient one, seen from a user."""
    found = await store.recall(question(people, *RULES, user=user))
    assert found is not None
    return tuple(sorted(found, key=lambda row: (row.rule, row.at)))


async def overrides(store: Store, people: Pseudonyms) -> tuple[Remembered, ...]:
    """The same without what was shown."""
    return await recall(store, people, user=None)


async def test_of_the_same_cards_the_newest_that_the_user_saw_is_remembered(store: Store, people: Pseudonyms) -> None:
    for hours in (5, 1, 3):
        store.record(entry(people, issue(card=f"card-{hours}"), as_of=NOW - hours * HOUR))
    await written(store)
    (found,) = await recall(store, people)
    assert found == Remembered("mg-low", "low", Severity.WARNING, "", NOW - HOUR)


async def test_what_only_another_user_saw_is_not_remembered(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue(), as_of=NOW - 2 * HOUR))
    store.record(entry(people, issue(card="card-2"), as_of=NOW - HOUR, user="another"))
    store.record(entry(people, issue(card="card-3"), as_of=NOW, user=None))
    await written(store)
    (found,) = await recall(store, people)
    assert found.at == NOW - 2 * HOUR
    assert await recall(store, people, user="third") == ()


async def test_only_the_rules_that_are_asked_about_are_looked_up(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue("other"), issue("k-low")))
    await store.add_feedback("t", "ehr", [overridden()], NOW)
    await written(store)
    assert {row.rule for row in await recall(store, people)} == {"k-low"}


async def test_variants_severities_and_subjects_are_told_apart(store: Store, people: Pseudonyms) -> None:
    cards = (
        issue(),
        issue(variant="very-low", severity=Severity.CRITICAL),
        issue("sep", subject="a+b"),
        issue("sep", subject="a+c"),
    )
    store.record(entry(people, *cards))
    await written(store)
    found = await recall(store, people)
    assert {(row.rule, row.variant, row.severity, row.subject) for row in found} == {
        (card.rule, card.variant, card.severity, card.subject) for card in cards
    }


async def test_an_override_counts_whoever_gave_it_and_is_dated_by_the_decision(
    store: Store, people: Pseudonyms
) -> None:
    store.record(entry(people, issue(), as_of=NOW - 9 * HOUR, user="another"))
    await store.add_feedback("t", "ehr", [overridden(minutes=-60 * 24 * 400)], NOW + 9 * HOUR)
    await written(store)
    (found,) = await recall(store, people)
    assert (found.overridden, found.reason, found.at) == (True, "or-benefit", NOW - 9 * HOUR)


async def test_the_last_report_received_counts(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue()))
    await written(store)
    await store.add_feedback("t", "ehr", [overridden(minutes=5)], NOW)
    assert len(await overrides(store, people)) == 1
    await store.add_feedback("t", "ehr", [accepted(minutes=1)], NOW)
    assert await overrides(store, people) == ()


async def test_feedback_may_come_before_the_ledger_has_the_card(store: Store, people: Pseudonyms) -> None:
    await store.add_feedback("t", "ehr", [overridden()], NOW)
    store.record(entry(people, issue()))
    await written(store)
    (found,) = await overrides(store, people)
    assert found.overridden


async def test_an_absorbed_rule_shares_the_answer_to_its_card_and_was_seen_as_its_line(
    store: Store, people: Pseudonyms
) -> None:
    store.record(entry(people, issue(), issue("k-low", disposition="absorbed")))
    await store.add_feedback("t", "ehr", [overridden()], NOW)
    await written(store)
    assert [(row.rule, row.overridden) for row in await overrides(store, people)] == [("k-low", True), ("mg-low", True)]
    assert {row.rule for row in await recall(store, people) if not row.overridden} == {"k-low", "mg-low"}


async def test_of_a_patient_of_many_calls_only_the_newest_cards_are_looked_at(store: Store, people: Pseudonyms) -> None:
    for number in range(300):
        store.record(entry(people, issue(card=f"card-{number}"), as_of=NOW - number * HOUR))
    await store.add_feedback("t", "ehr", [overridden(f"card-{NEWEST - 1}"), overridden("card-299")], NOW)
    await written(store)
    shown, answered = sorted(await recall(store, people), key=lambda row: row.overridden)
    assert (shown.at, answered.at) == (NOW, NOW - (NEWEST - 1) * HOUR)


@pytest.mark.parametrize("disposition", ["silent", "suppressed", "capped"])
async def test_what_nobody_saw_is_not_remembered(store: Store, people: Pseudonyms, disposition: str) -> None:
    store.record(entry(people, issue(card=None, disposition=disposition)))
    await written(store)
    assert await recall(store, people) == ()


async def test_other_patients_tenants_and_times_stay_out(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue(), patient="two"))
    store.record(entry(people, issue(), tenant="other"))
    store.record(entry(people, issue(), as_of=YEAR_AGO - HOUR))
    await store.add_feedback("other", "ehr", [overridden()], NOW)
    await written(store)
    assert await recall(store, people) == ()
    store.record(entry(people, issue()))
    await written(store)
    (found,) = await recall(store, people)
    assert not found.overridden


async def test_during_a_rotation_rows_under_the_old_key_are_found(store: Store) -> None:
    old, new = Key("old", b"o" * 32), Key("new", b"n" * 32)
    store.record(entry(Pseudonyms((old,)), issue(), as_of=NOW - HOUR))
    store.record(entry(Pseudonyms((new, old)), issue("k-low"), as_of=NOW))
    await written(store)
    both = await recall(store, Pseudonyms((new, old)))
    assert [(row.rule, row.at) for row in both] == [("k-low", NOW), ("mg-low", NOW - HOUR)]
    assert [row.rule for row in await recall(store, Pseudonyms((new,)))] == ["k-low"]


async def test_without_time_memory_is_not_available_and_rests(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, *(issue(f"rule-{number}") for number in range(100))))
    await written(store)
    asked = question(people, *(f"rule-{number}" for number in range(100)))
    store.memory.budget = 0
    assert await store.recall(asked) is None
    store.memory.budget = 5
    assert await store.recall(asked) is None
    store.memory.rest_until = 0
    assert await store.recall(asked) == ()
