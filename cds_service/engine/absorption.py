"""Which verdict absorbs which (policy.yaml, `precedence`), and which of the absorbed still have a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Listing, Phrase, Severity, Value
from cds_service.facts.records import Result
from cds_service.knowledge.model import Absorption, Policy

INFO = Severity.INFO


def between(visible: Mapping[str, Verdict], policy: Policy) -> list[Absorption]:
    """The entries of which both rules are visible, in the policy's order: of two for one loser the first counts."""
    by_winner = policy.by_winner
    found = [pair for winner in visible for pair in by_winner.get(winner, ()) if pair[1].loser in visible]
    found.sort()  # places differ, so entries are never compared
    return [entry for _, entry in found]


def applies(entry: Absorption, winner: Verdict, loser: Verdict, hook: str) -> bool:
    """Whether an entry holds for these two verdicts at this hook."""
    return (
        (not entry.hooks or hook in entry.hooks)
        and (not entry.winner_variants or winner.variant in entry.winner_variants)
        and (not entry.loser_variants or loser.variant in entry.loser_variants)
        and (winner.severity or INFO) >= entry.winner_at_least
        and (loser.severity or INFO) <= entry.loser_at_most
    )


def leader(rule_id: str, absorbed_by: Mapping[str, str]) -> str:
    """The rule at the end of a chain."""
    while rule_id in absorbed_by:
        rule_id = absorbed_by[rule_id]
    return rule_id


def own_lines(absorbed: Sequence[Verdict], hook: str, policy: Policy) -> tuple[Verdict, ...]:
    """The absorbed verdicts of one card that have a line of their own.

    None is needed where another line would absorb it and says as much: it is of the same chapter and prints the results
    that decided.
    """
    if len(absorbed) < 2:
        return tuple(absorbed)
    found = {verdict.rule.id: verdict for verdict in absorbed}
    said_by: dict[str, str] = {}
    for entry in between(found, policy):
        winner, loser = found[entry.winner], found[entry.loser]
        if entry.loser in said_by or leader(entry.winner, said_by) == entry.loser:
            continue
        if applies(entry, winner, loser, hook) and _says_as_much(winner, loser):
            said_by[entry.loser] = entry.winner
    return tuple([verdict for verdict in absorbed if verdict.rule.id not in said_by])


def _says_as_much(verdict: Verdict, other: Verdict) -> bool:
    if verdict.rule.group != other.rule.group:
        return False
    summary, values = verdict.rule.cards[verdict.fires.variant].summary, verdict.fires.values
    named = {place.name for text in summary.values() for place in text.places if not place.part}
    printed = [result for name in named for result in _results(values.get(name))]
    return all(fact in printed for fact in other.fires.because if type(fact) is Result)


def _results(value: Value) -> Iterator[Result]:
    """The results that are printed where this value goes."""
    if type(value) is Result:
        yield value
    elif type(value) is Phrase:
        for part in value.values.values():
            yield from _results(part)
    elif type(value) is Listing:
        for item in value.items:
            yield from _results(item)
