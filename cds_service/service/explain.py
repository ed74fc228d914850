"""`ionwise explain`: how a decision came about, rule by rule, with the exact data used.

The text holds patient data: it goes to the terminal of whoever supplied the request, never to a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from cds_service.engine.run import Kind, Verdict
from cds_service.errors import RequestError
from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import CannotTell, Fact, Fires, Satisfied
from cds_service.facts.records import Exposure, LabOrder, Problem, Result
from cds_service.knowledge.model import KeyPlanEntry, Knowledge
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.service.envelope import CONTEXTS, decode_envelope
from cds_service.service.gather import gather, is_for_clinician

HEADINGS: tuple[tuple[Kind, str], ...] = (
    ("fires", "FIRED"),
    ("cannot-tell", "COULD NOT TELL"),
    ("gated", "SWITCHED OFF BY A GATE"),
    ("satisfied", "LOOKED, AND ALL IS WELL"),
    ("not-applicable", "NOT ABOUT THIS PATIENT OR CALL"),
)


class _Named(msgspec.Struct, frozen=True):
    hook: str = ""


def explain_body(
    body: bytes,
    knowledge: Knowledge,
    plan: tuple[KeyPlanEntry, ...],
    options: DecideOptions,
    now: datetime,
    absent_sources: frozenset[str] = frozenset(),
) -> str:
    """Decide a recorded request as the service would, and explain it.

    `plan` holds the prefetch keys of all hooks, `absent_sources` those that the EHR is known not to have. In the
    sandbox the request may set its own evaluation time.
    Raises RequestError for a request that the service would refuse.
    """
    try:
        hook = msgspec.json.decode(body, type=_Named).hook
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(400, "structure", "the request body is not a JSON object with a hook") from error
    if hook not in CONTEXTS:
        raise RequestError(400, "value", f"hook: must be one of {', '.join(CONTEXTS)}")
    envelope = decode_envelope(body, hook)
    if not is_for_clinician(envelope):
        return "not answered: the user is no clinician (context.userId)"
    keys = tuple(entry for entry in plan if hook in entry.hooks)
    call = gather(envelope, keys, now=now, sandbox=options.sandbox, absent_sources=absent_sources)
    return explain(decide(call, knowledge, options))


def explain(decision: Decision) -> str:
    """The whole trace as text: what was delivered and set aside, what each rule came to, what was shown and why not."""
    return "\n".join([*_delivered(decision), "", *_verdicts(decision), "", *_shown(decision)])


def _delivered(decision: Decision) -> Iterator[str]:
    snapshot = decision.snapshot
    yield f"as of {snapshot.as_of.at.isoformat()}, hook {snapshot.hook}"
    for key, coverage in sorted(snapshot.coverage.items()):
        reach = f", back to {_when(coverage.reaches_to, snapshot.as_of.zone)}" if coverage.reaches_to else ""
        yield f"  {key}: {coverage.state}{reach}"
    for unusable in (one for found in snapshot.unusable.values() for one in found):
        yield f"  unusable: {unusable.concept} {unusable.shown} ({unusable.ref}): {unusable.reason}"
    for drug in snapshot.unmapped:
        yield f"  unidentified drug: {drug.ref} ({drug.system})"
    for resource in snapshot.quarantine:
        yield f"  quarantined: {resource.ref} in {resource.key}: {resource.reason}"


def _verdicts(decision: Decision) -> Iterator[str]:
    for kind, heading in HEADINGS:
        verdicts = [verdict for verdict in decision.trace if verdict.kind == kind]
        if not verdicts:
            continue
        yield f"{heading} ({len(verdicts)})"
        for verdict in verdicts:
            yield f"  {verdict.rule_id} v{verdict.rule.version}{_came_to(verdict)}"
            yield from (f"      {_fact(fact, decision.snapshot.as_of.zone)}" for fact in _facts(verdict))


def _came_to(verdict: Verdict) -> str:
    if verdict.kind == "fires":
        remarks = "".join(f", {remark.id}" for remark in verdict.remarks)
        return f": {verdict.variant}, {verdict.severity}, {verdict.tier}{remarks}"
    if verdict.kind == "cannot-tell":
        return f": missing {'; '.join(verdict.missing)}"
    return f": {verdict.reason}" if verdict.reason else ""


def _shown(decision: Decision) -> Iterator[str]:
    yield f"SHOWN ({len(decision.ranking.shown)})"
    for card, wire in zip(decision.ranking.shown, decision.response["cards"], strict=True):
        absorbed = ", ".join(verdict.rule_id for verdict in card.absorbed)
        yield f"  {card.severity}: {card.verdict.rule_id}" + (f" (absorbed {absorbed})" if absorbed else "")
        yield f"      {wire['summary']}"
    for suppressed in decision.ranking.suppressed:
        yield f"  not shown: {suppressed.verdict.rule_id}: {suppressed.reason}"


def _facts(verdict: Verdict) -> tuple[Fact, ...]:
    outcome = verdict.outcome
    if isinstance(outcome, Fires):
        return tuple(dict.fromkeys((*outcome.because, *outcome.also)))
    return outcome.because if isinstance(outcome, Satisfied | CannotTell) else ()


def _fact(fact: Fact, zone: ZoneInfo) -> str:
    match fact:
        case Result():
            converted = f" = {fact.value}" if fact.converted else ""
            flags = f" [{', '.join(sorted(fact.flags))}]" if fact.flags else ""
            reported = f"{fact.comparator}{fact.reported} {fact.unit}"
            return f"{fact.concept} {reported}{converted}, {_when(fact.at, zone)}, {fact.age}{flags} ({fact.ref})"
        case Exposure():
            known = f"{', '.join(sorted(fact.ingredients))} by {fact.known_by}"
            taken = f"{fact.status}, {fact.route}, since {_when(fact.since, zone)}"
            return f"{fact.name} ({known}), {taken} ({', '.join(fact.refs)})"
        case Problem():
            by_text = ", by text" if fact.by_text else ""
            return f"{fact.group}: {fact.name}, {_when(fact.at, zone)}{by_text} ({fact.ref})"
        case LabOrder():
            return f"ordered: {fact.concept}, {_when(fact.at, zone)} ({fact.ref})"


def _when(moment: Moment | None, zone: ZoneInfo) -> str:
    if moment is None:
        return "date unknown"
    at = moment.earliest.astimezone(zone)
    return at.date().isoformat() if moment.day_only else at.isoformat()
