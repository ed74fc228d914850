"""The one decision that all doors share: chart -> snapshot -> verdicts -> ranking -> answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from cds_service.engine.rank import Ranking, Shown, Suppressed, rank
from cds_service.engine.run import Verdict, run_rules
from cds_service.engine.suppress import Memory, keep_back
from cds_service.facts.outcomes import NotApplicable
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.fhir.read.chart import read_chart
from cds_service.fhir.write import draft_service_request
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.knowledge.tenant import Tenant
from cds_service.render.card import CardStyle, build_card, random_uuid

EXTENSION_LIMIT = 4000  # bytes; leaves room for the extension's own name within 4 kB
CUTTABLE = ("cannotTell", "suppressed", "unusable")
NO_MEMORY = Memory()
SWITCHED_OFF = NotApplicable("switched off")


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

    def for_tenant(self, tenant: Tenant) -> DecideOptions:
        """The options with what a tenant's overlay says instead of the deployment's settings."""
        wards = tenant.icu_locations
        unknown = tenant.admit_unknown_status
        return msgspec.structs.replace(
            self,
            zone=self.zone if tenant.time_zone is None else ZoneInfo(tenant.time_zone),
            settings=self.settings if wards is None else {**self.settings, "icu_locations": wards},
            admit_unknown_status=self.admit_unknown_status if unknown is None else unknown,
        )


class Decision(msgspec.Struct, frozen=True):
    """The answer and how it came about: `response` is the wire body, `trace` one verdict per rule of the hook."""

    response: dict[str, Any]
    snapshot: Snapshot
    trace: tuple[Verdict, ...]
    ranking: Ranking


def decide(
    call: Call,
    knowledge: Knowledge,
    options: DecideOptions,
    memory: Memory = NO_MEMORY,
    switched: Mapping[str, str] = {},
) -> Decision:
    """Answer one call. Pure but for the uuids of cards and suggestions.

    memory: what is known of earlier cards. switched: rule id, or `*` for every rule -> `off` or `silent`.
    """
    snapshot = read_chart(
        call,
        knowledge.vocabulary,
        knowledge.concept_keys,
        options.zone,
        options.settings,
        admit_unknown_status=options.admit_unknown_status,
    )
    rules = knowledge.by_hook.get(call.hook, ())
    stopped = _switched(rules, switched, "off")
    trace = run_rules(snapshot, knowledge, [rule for rule in rules if rule.id not in stopped] if stopped else rules)
    trace += tuple(
        Verdict(rule, "gated", SWITCHED_OFF, rule.tier(call.hook), reason=SWITCHED_OFF.reason)
        for rule in rules
        if rule.id in stopped
    )
    ranking = rank(
        trace,
        call.hook,
        knowledge.policy,
        show_silent=options.sandbox,
        silenced=_switched(rules, switched, "silent"),
        kept_back=keep_back(trace, snapshot.as_of, call.hook, knowledge.policy.memory, memory),
    )
    style = CardStyle(
        options.language,
        options.zone,
        options.base_url,
        options.canonical_base,
        options.topic_hyphens,
        options.strict,
    )
    response: dict[str, Any] = {
        "cards": [
            build_card(shown, knowledge, style, *_suggestions(shown, snapshot, call, knowledge, options.language))
            for shown in ranking.shown
        ]
    }
    if options.decision_extension:
        summary = summarise(knowledge, snapshot, trace, ranking, memory, with_times=options.sandbox)
        response["extension"] = {"org.ionwise.decision": summary}
    return Decision(response, snapshot, trace, ranking)


def _switched(rules: Iterable[Rule], switched: Mapping[str, str], state: str) -> frozenset[str]:
    """The rules in a state; off is stricter than silent."""
    if state not in switched.values():
        return frozenset()
    everyone = switched.get("*")
    return frozenset(rule.id for rule in rules if state in (everyone, switched.get(rule.id)))


def _suggestions(
    shown: Shown, snapshot: Snapshot, call: Call, knowledge: Knowledge, language: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """One draft order per suggestion (Epic allows one action each); tests that are already ordered are left out.

    Also the names of the orders for which a site that needs a code of its own has none: text takes their place.
    """
    fires = shown.verdict.fires
    suggestions: list[dict[str, Any]] = []
    named: list[str] = []
    for order_id in shown.verdict.rule.cards[fires.variant].suggestions:
        order = knowledge.orders[order_id]
        if order.concepts and all(concept in snapshot.orders for concept in order.concepts):
            continue
        label = order.label[language]
        if knowledge.tenant.orderables_required and not order.own:
            named.append(label)
            continue
        resource = draft_service_request(order, language, call.patient_id, call.encounter_id)
        suggestions.append(
            {
                "label": label,
                "uuid": random_uuid(),
                "actions": [{"type": "create", "description": label, "resource": resource}],
            }
        )
    return suggestions, named


def summarise(
    knowledge: Knowledge,
    snapshot: Snapshot,
    trace: tuple[Verdict, ...],
    ranking: Ranking,
    memory: Memory = NO_MEMORY,
    *,
    with_times: bool = False,
) -> dict[str, Any]:
    """The response extension: versions and, grouped by missing item, what could not be judged; below 4 kB.

    Holds no values and no date but the evaluation time, and `with_times` until when a card is kept back.
    """
    missing: dict[str, list[str]] = {}
    for verdict in trace:
        for item in verdict.missing:
            missing.setdefault(item, []).append(verdict.rule_id)
    summary: dict[str, Any] = {
        "knowledgeVersion": knowledge.version,
        "overlayHash": knowledge.overlay_hash or "none",
        "asOf": snapshot.as_of.at.isoformat(),
    }
    if knowledge.tenant.remarks:
        summary["site"] = list(knowledge.tenant.remarks)
    if not memory.available:
        summary["memory"] = "unavailable"
    if missing:
        summary["cannotTell"] = [{"missing": item, "rules": rules} for item, rules in missing.items()]
    if ranking.suppressed:
        summary["suppressed"] = [_not_shown(one, with_times) for one in ranking.suppressed]
    if snapshot.quarantine:
        summary["quarantined"] = len(snapshot.quarantine)
    unusable = sorted({f"{u.concept}: {u.reason}" for found in snapshot.unusable.values() for u in found})
    if unusable:
        summary["unusable"] = unusable
    return _fit(summary)


def _not_shown(suppressed: Suppressed, with_times: bool) -> dict[str, str]:
    until = f" until {suppressed.until.isoformat()}" if with_times and suppressed.until is not None else ""
    return {"rule": suppressed.verdict.rule_id, "reason": suppressed.reason + until}


def _fit(summary: dict[str, Any]) -> dict[str, Any]:
    """Below 4 kB: first the rule lists become counts, then the longest lists are cut, saying how many were left out."""
    if summary.keys().isdisjoint(CUTTABLE):
        return summary
    if len(orjson.dumps(summary)) <= EXTENSION_LIMIT:
        return summary
    for entry in summary.get("cannotTell", ()):
        entry["rules"] = len(entry["rules"])
    for name in CUTTABLE:
        while name in summary and len(orjson.dumps(summary)) > EXTENSION_LIMIT:
            kept = summary[name][: len(summary[name]) // 2]
            summary["leftOut"] = summary.get("leftOut", 0) + len(summary[name]) - len(kept)
            summary[name] = kept
            if not kept:
                del summary[name]
    return summary
