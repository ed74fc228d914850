"""Between the decision and the store: what is remembered comes in as a Memory, what was decided goes out as Entry."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from cds_service.engine.rank import Suppressed
from cds_service.engine.run import Verdict
from cds_service.engine.suppress import Earlier, Memory, comes_once, subject_of
from cds_service.facts.outcomes import Severity
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.prefetch import is_null
from cds_service.knowledge.model import Knowledge
from cds_service.render.uuids import new_uuid
from cds_service.service.decide import Decision
from cds_service.service.envelope import Envelope
from cds_service.storage.memory import Remembered
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.records import Disposition, Entry, Issue, PrefetchState, Question, Report, Tally
from cds_service.storage.store import Health, Store

log = logging.getLogger("ionwise.keeper")
SETTLE_SECONDS = 0.5
UNAVAILABLE = Memory(available=False)
_STATES: Mapping[str, PrefetchState] = {
    "failed": "error",
    "not asked": "missing",
    "truncated": "truncated",
    "unordered": "truncated",
}


class Keeper:
    """What the edge knows of storage. But for the tokens nothing here fails a call: without its store it has no
    memory."""

    def __init__(self, store: Store, people: Pseudonyms) -> None:
        self._store = store
        self._people = people

    async def start(self) -> None:
        """Open the store; one that is away is waited for in the background."""
        await self._store.start()

    async def close(self) -> None:
        """Write what waits, and close."""
        await self._store.close()

    @property
    def backlog(self) -> tuple[int, int]:
        """Decisions that wait for the database, and those that were lost since the start."""
        return self._store.backlog

    def switched(self, tenant: str) -> Mapping[str, str]:
        """Rule id, or `*` -> `off` or `silent`, as an operator switched it. From memory."""
        return self._store.switches(tenant).states

    async def recall(self, knowledge: Knowledge, call: Call, verdicts: Sequence[Verdict]) -> Memory:
        """What is known of earlier cards of these verdicts' rules about the call's patient; unavailable when it cannot
        be told in time."""
        tenant, policy, user_id = knowledge.tenant.name, knowledge.policy.memory, call.user_id
        try:
            question = Question(
                tenant,
                self._people.patient(tenant, call.patient_id),
                call.as_of - policy.longest,
                tuple([verdict.rule_id for verdict in verdicts]),
                tuple([verdict.rule_id for verdict in verdicts if comes_once(verdict, call.hook, policy)]),
                () if user_id is None else self._people.clinician(tenant, user_id),
            )
            rows = await self._store.recall(question)
        except Exception as error:  # whatever storage does, the call is answered
            log.error("memory failed: %s", type(error).__name__)
            return UNAVAILABLE
        return UNAVAILABLE if rows is None else recollect(rows)

    def record(
        self,
        call: Call,
        knowledge: Knowledge,
        decision: Decision,
        client: str,
        envelope: Envelope,
        *,
        captured: bool = False,
    ) -> None:
        """Queue what was decided, behind the answer. Never waits, never raises."""
        try:
            entry = self._entry(call, knowledge, decision, client, envelope)
            self._store.record(msgspec.structs.replace(entry, captured=True) if captured else entry)
        except Exception as error:  # the answer is already out
            log.error("ledger entry failed: %s", type(error).__name__)

    async def add_feedback(self, tenant: str, client: str, reports: Sequence[Report], received_at: datetime) -> int:
        """Store reports durably, all or none; how many are new. StorageError: tell the client to repeat.

        Waits a moment for the cards of the last calls too: who overrides a card and opens the chart at once must not
        meet it again.
        """
        added = await self._store.add_feedback(tenant, client, reports, received_at)
        if not await self._store.settle(SETTLE_SECONDS):
            log.info("feedback is stored before all cards are")
        return added

    async def spend_token(self, issuer: str, jti: str, expires_at: float, now: float) -> bool:
        """Take note of a token that is used; False when it was before. Raises StorageError: that cannot be told."""
        return await self._store.spend_token(issuer, jti, expires_at, now)

    async def health(self) -> Health:
        """How storage is, for /ready."""
        return await self._store.health()

    def _entry(self, call: Call, knowledge: Knowledge, decision: Decision, client: str, envelope: Envelope) -> Entry:
        tenant, sent = knowledge.tenant.name, envelope.prefetch
        return Entry(
            as_of=call.as_of,
            tenant=tenant,
            client=client,
            hook=call.hook,
            knowledge=knowledge.version,
            overlay=knowledge.overlay_hash,
            patient=self._people.patient(tenant, call.patient_id)[0],
            clinician=None if call.user_id is None else self._people.clinician(tenant, call.user_id)[0],
            issued=issues(decision),
            tallies=tallies(decision.trace),
            prefetch={key: _state(answer, sent.get(key)) for key, answer in call.answers.items()},
            instance=envelope.correlation,
        )


def _state(answer: KeyAnswer, sent: msgspec.Raw | None) -> PrefetchState:
    if answer.fetched:
        return "missing" if sent is None else "truncated"
    filled = answer.resources or answer.observations or answer.records
    if not filled and sent is not None and is_null(sent):
        return "null"
    return _STATES.get(answer.state) or ("data" if filled else "empty")


def recollect(rows: Iterable[Remembered]) -> Memory:
    """The store's rows as the decision wants them."""
    issued: list[Earlier] = []
    overridden: list[Earlier] = []
    for row in rows:
        earlier = Earlier(row.rule, row.variant, row.severity, row.at, row.subject, row.reason)
        (overridden if row.overridden else issued).append(earlier)
    return Memory(tuple(issued), tuple(overridden))


def issues(decision: Decision) -> tuple[Issue, ...]:
    """Every verdict that fired, with what became of it. A card that was sent without an id has one here."""
    found = []
    for shown, card in zip(decision.ranking.shown, decision.response["cards"], strict=True):
        suggestions = tuple([suggestion["uuid"] for suggestion in card.get("suggestions", ())])
        name = card.get("uuid") or new_uuid()
        found.append(_issue(shown.verdict, "shown", card=name, suggestions=suggestions))
        found += [_issue(verdict, "absorbed", card=name) for verdict in shown.absorbed]
    found += [_issue(one.verdict, _disposition(one), reason=one.reason) for one in decision.ranking.suppressed]
    return tuple(found)


def _disposition(suppressed: Suppressed) -> Disposition:
    if suppressed.reason == "silent":
        return "silent"
    return "capped" if suppressed.reason == "cap" else "suppressed"


def _issue(
    verdict: Verdict,
    disposition: Disposition,
    *,
    card: str | None = None,
    reason: str = "",
    suggestions: tuple[str, ...] = (),
) -> Issue:
    return Issue(
        rule=verdict.rule_id,
        version=verdict.rule.version,
        tier=verdict.tier,
        severity=verdict.severity if verdict.severity is not None else Severity.INFO,
        variant=verdict.fires.variant,
        disposition=disposition,
        card=card,
        subject=subject_of(verdict),
        reason=reason if disposition == "suppressed" else "",
        suggestions=suggestions,
    )


def tallies(trace: Iterable[Verdict]) -> tuple[Tally, ...]:
    """What is counted of the rules that did not fire; a rule that was not about the patient is not."""
    return tuple(
        [
            Tally(verdict.rule.id, verdict.rule.version, verdict.kind, item)
            for verdict in trace
            if verdict.kind != "fires" and verdict.kind != "not-applicable"
            for item in (verdict.missing or ("",))
        ]
    )
