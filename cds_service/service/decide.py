"""The one decision that all doors share: chart -> snapshot -> verdicts -> ranking -> answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from cds_service.engine.rank import Ranking, Shown, rank
from cds_service.engine.run import Verdict, run_rules
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.fhir.read.chart import read_chart
from cds_service.fhir.write import draft_service_request, order_code
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.render.card import CardWriter
from cds_service.render.uuids import random_uuid
from cds_service.render.voice import CardStyle

EXTENSION_LIMIT = 4000  # bytes; leaves room for the extension's own name within 4 kB
CUTTABLE = ("cannot_tell", "suppressed", "unusable")


class DecideOptions(msgspec.Struct, frozen=True):
    """How one caller wants to be answered.

    settings  a tenant's clinical settings (for example the ICU location codes)
    sandbox   shows silent rules (marked), and details that production leaves out
    strict    a card text that cannot be printed is an error (cases and tests); otherwise the rule's title stands in
    """

    language: str = "nl"
    zone: ZoneInfo = ZoneInfo("Europe/Amsterdam")
    base_url: str = "https://ionwise.example"
    canonical_base: str = "https://ionwise.example"
    topic_hyphens: bool = True
    sandbox: bool = False
    decision_extension: bool = True
    strict: bool = False
    admit_unknown_status: bool = False
    settings: Mapping[str, frozenset[str]] = {}


class Decision(msgspec.Struct, frozen=True):
    """The answer and how it came about: `response` is the wire body, `trace` one verdict per rule of the hook."""

    response: dict[str, Any]
    snapshot: Snapshot
    trace: tuple[Verdict, ...]
    ranking: Ranking


class Offer(msgspec.Struct, frozen=True):
    """An order that a card offers, in the caller's language: moot once all its `concepts` are ordered."""

    concepts: frozenset[str]
    label: str
    code: Mapping[str, Any]


class Decider:
    """Decides calls with one knowledge for one kind of caller; what every call shares is prepared once."""

    def __init__(self, knowledge: Knowledge, options: DecideOptions) -> None:
        self.knowledge = knowledge
        self.options = options
        style = CardStyle(
            options.language,
            options.zone,
            options.base_url,
            options.canonical_base,
            options.topic_hyphens,
            options.strict,
        )
        self._writer = CardWriter(knowledge, style)
        self._offers: dict[tuple[str, str], Sequence[Offer]] = {}

    def decide(self, call: Call) -> Decision:
        """Answer one call. Pure but for the uuids of cards and suggestions."""
        knowledge, options = self.knowledge, self.options
        snapshot = read_chart(
            call,
            knowledge.vocabulary,
            knowledge.concept_keys,
            options.zone,
            options.settings,
            admit_unknown_status=options.admit_unknown_status,
        )
        trace = run_rules(snapshot, knowledge, knowledge.by_hook.get(call.hook, ()))
        ranking = rank(trace, call.hook, knowledge.policy, show_silent=options.sandbox)
        told: dict[int, str] = {}
        cards = [self._writer.card(shown, self._suggestions(shown, snapshot, call), told) for shown in ranking.shown]
        response: dict[str, Any] = {"cards": cards}
        if options.decision_extension:
            response["extension"] = {"org.ionwise.decision": summarise(knowledge, snapshot, trace, ranking)}
        return Decision(response, snapshot, trace, ranking)

    def _suggestions(self, shown: Shown, snapshot: Snapshot, call: Call) -> list[dict[str, Any]]:
        """One draft order per suggestion (Epic allows one action each), without tests that are already ordered."""
        verdict = shown.verdict
        offers = self._offers_of(verdict.rule, verdict.fires.variant)
        if snapshot.orders:
            ordered = snapshot.orders.keys()
            offers = [offer for offer in offers if not offer.concepts or not offer.concepts <= ordered]
        subject = {"reference": f"Patient/{call.patient_id}"}
        encounter = {"reference": f"Encounter/{call.encounter_id}"} if call.encounter_id is not None else None
        suggestions = []
        for offer in offers:
            resource = draft_service_request(offer.code, subject, encounter)
            action = {"type": "create", "description": offer.label, "resource": resource}
            suggestions.append({"label": offer.label, "uuid": random_uuid(), "actions": [action]})
        return suggestions

    def _offers_of(self, rule: Rule, variant: str) -> Sequence[Offer]:
        offers = self._offers.get((rule.id, variant))
        if offers is None:
            language, orders = self.options.language, self.knowledge.orders
            offers = self._offers[rule.id, variant] = [
                Offer(frozenset(order.concepts), order.label[language], order_code(order, language))
                for order in [orders[order_id] for order_id in rule.cards[variant].suggestions]
            ]
        return offers


def decide(call: Call, knowledge: Knowledge, options: DecideOptions) -> Decision:
    """One decision without preparation, for cases and other single calls."""
    return Decider(knowledge, options).decide(call)


def summarise(knowledge: Knowledge, snapshot: Snapshot, trace: tuple[Verdict, ...], ranking: Ranking) -> dict[str, Any]:
    """The response extension: versions and, grouped by missing item, what could not be judged; below 4 kB.

    Holds no values and no date but the evaluation time.
    """
    missing: dict[str, list[str]] = {}
    for verdict in trace:
        for item in verdict.missing:
            missing.setdefault(item, []).append(verdict.rule_id)
    summary: dict[str, Any] = {
        "knowledge_version": knowledge.version,
        "overlay_hash": knowledge.overlay_hash or "none",
        "as_of": snapshot.as_of.at.isoformat(),
    }
    if missing:
        summary["cannot_tell"] = [{"missing": item, "rules": rules} for item, rules in missing.items()]
    if ranking.suppressed:
        summary["suppressed"] = [{"rule": s.verdict.rule_id, "reason": s.reason} for s in ranking.suppressed]
    if snapshot.quarantine:
        summary["quarantined"] = len(snapshot.quarantine)
    unusable = sorted({f"{u.concept}: {u.reason}" for found in snapshot.unusable.values() for u in found})
    if unusable:
        summary["unusable"] = unusable
    return _fit(summary)


def _fit(summary: dict[str, Any]) -> dict[str, Any]:
    """Below 4 kB: first the rule lists become counts, then the longest lists are cut, saying how many were left out."""
    if summary.keys().isdisjoint(CUTTABLE):
        return summary
    if len(orjson.dumps(summary)) <= EXTENSION_LIMIT:
        return summary
    for entry in summary.get("cannot_tell", ()):
        entry["rules"] = len(entry["rules"])
    for name in CUTTABLE:
        while name in summary and len(orjson.dumps(summary)) > EXTENSION_LIMIT:
            kept = summary[name][: len(summary[name]) // 2]
            summary["left_out"] = summary.get("left_out", 0) + len(summary[name]) - len(kept)
            summary[name] = kept
            if not kept:
                del summary[name]
    return summary
