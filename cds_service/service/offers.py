"""The orders that a card offers: draft ServiceRequests, as far as they are not on order or measured already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from cds_service.engine.rank import Shown
from cds_service.facts.outcomes import Fires
from cds_service.facts.records import Result
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.fhir.write import draft_service_request, order_code
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.render.uuids import new_uuid
from cds_service.render.values import written_day


class Offer(msgspec.Struct, frozen=True):
    """An order that a card offers, in the caller's language: moot once all its `concepts` are ordered or measured.

    by_text: it can only be named, for the site's EHR takes no order without a code of its own and there is none.
    """

    concepts: frozenset[str]
    label: str
    code: Mapping[str, Any]
    by_text: bool


class Offers:
    """The offers of one knowledge in one language; those of a card variant are prepared once."""

    def __init__(self, knowledge: Knowledge, language: str) -> None:
        self._knowledge = knowledge
        self._language = language
        self._offers: dict[tuple[str, str], Sequence[Offer]] = {}

    def suggestions(self, shown: Shown, snapshot: Snapshot, call: Call) -> tuple[list[dict[str, Any]], list[str]]:
        """One draft order per suggestion (Epic allows one action each), without tests that are already ordered and
        those that were measured no earlier than what the card is about; and the names of the orders that can only be
        named."""
        verdict = shown.verdict
        offers = self._offers_of(verdict.rule, verdict.fires.variant)
        if not offers:
            return [], []
        subject = {"reference": f"Patient/{call.patient_id}"}
        encounter = {"reference": f"Encounter/{call.encounter_id}"} if call.encounter_id is not None else None
        due = _due_day(verdict.fires, snapshot)
        suggestions, named = [], []
        for offer in offers:
            if offer.concepts and is_moot(offer.concepts, verdict.fires, snapshot):
                continue
            if offer.by_text:
                named.append(offer.label)
                continue
            resource = draft_service_request(offer.code, subject, encounter, due)
            label = offer.label if due is None else f"{offer.label}, {written_day(due, self._language)}"
            action = {"type": "create", "description": label, "resource": resource}
            suggestions.append({"label": label, "uuid": new_uuid(), "actions": [action]})
        return suggestions, named

    def _offers_of(self, rule: Rule, variant: str) -> Sequence[Offer]:
        offers = self._offers.get((rule.id, variant))
        if offers is None:
            language, orders = self._language, self._knowledge.orders
            own_only = self._knowledge.tenant.orderables_required
            offers = self._offers[rule.id, variant] = [
                Offer(
                    frozenset(order.concepts),
                    order.label[language],
                    order_code(order, language),
                    by_text=own_only and not order.own,
                )
                for order in [orders[order_id] for order_id in rule.cards[variant].suggestions]
            ]
        return offers


def is_moot(concepts: Iterable[str], fires: Fires, snapshot: Snapshot) -> bool:
    """Whether every concept is ordered, needs no new test by the rule's own word, or was measured: a fresh, final,
    exact result no older than what the card is about.

    What the card is about is itself not settled by having been measured: a repeat may be wanted. Nor is anything by a
    result of today when the tests are meant for a later day.
    """
    for concept in concepts:
        if concept in snapshot.orders or concept in fires.measured:
            continue
        series = snapshot.results.get(concept)
        if series is None or concept in snapshot.provisional or fires.due is not None:
            return False
        latest = series[0]
        if latest.age != "fresh" or latest.comparator:
            return False
        for fact in fires.because:
            if type(fact) is Result and (fact.concept == concept or fact.at.earliest > latest.at.earliest):
                return False
    return True


def _due_day(fires: Fires, snapshot: Snapshot) -> date | None:
    """The day in the tenant's time zone on which the suggested tests are due; None = today."""
    if fires.due is None:
        return None
    day = (snapshot.as_of.at + fires.due).astimezone(snapshot.as_of.zone).date()
    return day if day > snapshot.as_of.today else None
