"""What the service says to the cohort at default settings: which rules fire, and what of it clinicians see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from cds_service.engine.rank import Ranking
from cds_service.engine.suppress import Earlier, Memory, subject_of
from cds_service.engine.verdict import Verdict
from cds_service.facts.outcomes import Severity
from cds_service.fhir.call import Call
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import Assessment, DecideOptions, Decider, Decision
from tests.cohort.calls import calls_about
from tests.cohort.people import Person

MOST = 5  # cards in one answer
FATES = ("fired", "shown", "absorbed", "capped", "withheld")

Place = tuple[str, str]  # setting, hook
Spoken = tuple[str, str, str, str]  # setting, hook, rule, severity before it takes over that of what it absorbs
Mute = tuple[str, str, str]  # setting, hook, rule


class Burden(msgspec.Struct):
    """Counts over all calls.

    fates  what became of each verdict that fired: shown as a card, absorbed as a line of one, capped (too many), or
           withheld (silent rule, tier not shown at the hook, only a line)
    mute   verdicts `gated` and `cannot-tell`
    cards  how many calls gave 0, 1, 2 ... cards; `again`: when the same user opens the same chart once more
    loud   how many of the cards were critical, warning, info
    grown  calls that give more cards when they are asked again
    """

    fates: dict[Spoken, Counter[str]] = msgspec.field(default_factory=lambda: defaultdict(Counter))
    mute: dict[Mute, Counter[str]] = msgspec.field(default_factory=lambda: defaultdict(Counter))
    cards: dict[Place, Counter[int]] = msgspec.field(default_factory=lambda: defaultdict(Counter))
    again: dict[Place, Counter[int]] = msgspec.field(default_factory=lambda: defaultdict(Counter))
    loud: dict[Place, Counter[str]] = msgspec.field(default_factory=lambda: defaultdict(Counter))
    grown: Counter[Place] = msgspec.field(default_factory=Counter)


def measure(everyone: Iterable[Person], knowledge: Knowledge) -> Burden:
    """Make every call about these patients, outside the sandbox, nothing remembered; then each a second time.

    Texts are printed in the language of the EHR; one that cannot be printed is an error.
    """
    deciders = {
        language: Decider(knowledge, DecideOptions(language=language, strict=True)) for language in ("nl", "en")
    }
    burden = Burden()
    for person in everyone:
        for call in calls_about(person, knowledge):
            _count(person, call, deciders[person.language], burden)
    return burden


def _count(person: Person, call: Call, decider: Decider, burden: Burden) -> None:
    assessment = decider.assess(call)
    decision = decider.conclude(assessment)
    place = (person.setting, call.hook)
    burden.cards[place][len(decision.ranking.shown)] += 1
    burden.loud[place].update(card.severity.name.lower() for card in decision.ranking.shown)
    again = _second_look(decider, assessment, decision)
    burden.again[place][again] += 1
    burden.grown[place] += again > len(decision.ranking.shown)
    for verdict in decision.trace:
        if verdict.kind in ("gated", "cannot-tell"):
            burden.mute[(*place, verdict.rule_id)][verdict.kind] += 1
    for fate, verdict in _fates(decision.ranking):
        burden.fates[_spoken(place, verdict)].update(("fired", fate))


def _fates(ranking: Ranking) -> Iterable[tuple[str, Verdict]]:
    for card in ranking.shown:
        yield "shown", card.verdict
        yield from (("absorbed", verdict) for verdict in card.absorbed)
    for suppressed in ranking.suppressed:
        yield "capped" if suppressed.reason == "cap" else "withheld", suppressed.verdict


def _spoken(place: Place, verdict: Verdict) -> Spoken:
    return (*place, verdict.rule_id, severity_of(verdict))


def severity_of(verdict: Verdict) -> str:
    """The severity of a verdict that fires, in small letters."""
    return verdict.severity.name.lower() if verdict.severity is not None else ""


def _second_look(decider: Decider, assessment: Assessment, decision: Decision) -> int:
    """How many cards the same user gets who asks again at once, having overridden nothing."""
    issued = tuple(
        Earlier(verdict.rule_id, verdict.variant or "", verdict.severity or Severity.INFO, decision.snapshot.as_of.at,
                subject_of(verdict))
        for card in decision.ranking.shown for verdict in (card.verdict, *card.absorbed)
    )  # fmt: skip
    return len(decider.conclude(assessment, Memory(issued=issued)).ranking.shown) if issued else 0
