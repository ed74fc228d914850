"""The one decision that all doors share: chart -> snapshot -> verdicts -> ranking -> answer.

It is taken in two steps, so that earlier cards are looked up only for a patient about whom there is something to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.engine.rank import Ranking, Sifted, rank, sift
from cds_service.engine.run import Verdict, run_rules
from cds_service.engine.suppress import NO_MEMORY, Memory, keep_back
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.fhir.read.chart import read_chart
from cds_service.knowledge.card_form import PLAIN_FORM, CardForm
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.knowledge.tenant import Tenant
from cds_service.render.card import CardWriter
from cds_service.render.voice import CardStyle
from cds_service.service.offers import Offers
from cds_service.service.summary import summarise

NOTHING_SWITCHED: Mapping[str, str] = {}
EVERY_RULE = "*"
SWITCHED_OFF = "switched off"


class DecideOptions(msgspec.Struct, frozen=True):
    """How one caller wants to be answered.

    form      the members of cards that the caller's EHR takes
    settings  a tenant's clinical settings (for example the ICU location codes)
    sandbox   shows silent rules (marked), and details that production leaves out
    strict    a card text that cannot be printed is an error (cases and tests); otherwise the rule's title stands in
    """

    language: str = "nl"
    zone: ZoneInfo = ZoneInfo("Europe/Amsterdam")
    base_url: str = "https://ionwise.example"
    canonical_base: str = "https://ionwise.example"
    form: CardForm = PLAIN_FORM
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


class Assessment(msgspec.Struct, frozen=True):
    """What the rules came to, before earlier cards are looked at.

    sifted  what of it may be shown; without any visible verdict there is nothing to look up
    """

    call: Call
    snapshot: Snapshot
    trace: tuple[Verdict, ...]
    sifted: Sifted


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
            options.form,
            options.strict,
        )
        self._writer = CardWriter(knowledge, style)
        self._offers = Offers(knowledge, options.language)

    def decide(
        self, call: Call, memory: Memory = NO_MEMORY, switched: Mapping[str, str] = NOTHING_SWITCHED
    ) -> Decision:
        """Answer one call. Pure but for the uuids of cards and suggestions. See `assess` and `conclude`."""
        return self.conclude(self.assess(call, switched), memory)

    def assess(self, call: Call, switched: Mapping[str, str] = NOTHING_SWITCHED) -> Assessment:
        """Read the chart and run the rules. switched: rule id, or `*` for every rule -> `off` or `silent`."""
        knowledge, options = self.knowledge, self.options
        snapshot = read_chart(
            call,
            knowledge.vocabulary,
            knowledge.concept_keys,
            options.zone,
            options.settings,
            admit_unknown_status=options.admit_unknown_status,
        )
        rules = knowledge.by_hook.get(call.hook, ())
        stopped = dict.fromkeys(_switched(rules, switched, "off"), SWITCHED_OFF) if switched else NOTHING_SWITCHED
        trace = run_rules(snapshot, knowledge, rules, stopped)
        silenced = _switched(rules, switched, "silent")
        sifted = sift(trace, call.hook, knowledge.policy, show_silent=options.sandbox, silenced=silenced)
        return Assessment(call, snapshot, trace, sifted)

    def conclude(self, found: Assessment, memory: Memory = NO_MEMORY) -> Decision:
        """The answer, given what is known of earlier cards about the patient."""
        knowledge, options, call, snapshot = self.knowledge, self.options, found.call, found.snapshot
        kept_back = keep_back(found.sifted.visible, snapshot.as_of, call.hook, knowledge.policy.memory, memory)
        ranking = rank(found.sifted, call.hook, knowledge.policy, kept_back)
        told: dict[int, str] = {}
        cards = [
            self._writer.card(shown, *self._offers.suggestions(shown, snapshot, call), told) for shown in ranking.shown
        ]
        response: dict[str, Any] = {"cards": cards}
        if options.decision_extension:
            summary = summarise(knowledge, snapshot, found.trace, ranking, memory, with_times=options.sandbox)
            response["extension"] = {"org.ionwise.decision": summary}
        return Decision(response, snapshot, found.trace, ranking)


def decide(
    call: Call,
    knowledge: Knowledge,
    options: DecideOptions,
    memory: Memory = NO_MEMORY,
    switched: Mapping[str, str] = NOTHING_SWITCHED,
) -> Decision:
    """One decision without preparation, for cases and other single calls."""
    return Decider(knowledge, options).decide(call, memory, switched)


def _switched(rules: Iterable[Rule], switched: Mapping[str, str], state: str) -> frozenset[str]:
    """The rules in a state; what is said of a rule and of every rule both hold."""
    if state not in switched.values():
        return frozenset()
    everyone = switched.get(EVERY_RULE)
    return frozenset(rule.id for rule in rules if state in (everyone, switched.get(rule.id)))
