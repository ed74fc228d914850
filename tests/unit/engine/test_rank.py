"""From verdicts to the few cards that are shown: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cds_service.engine.rank import Ranking, rank, sift
from cds_service.engine.run import Verdict
from cds_service.engine.suppress import KeptBack
from cds_service.facts.outcomes import Fires, Satisfied, Severity
from cds_service.facts.records import LabOrder, Problem
from cds_service.knowledge.model import Absorption, Policy
from tests.unit.engine.charts import TIERS, exposure, moment, result, rule

HOOKS = {"patient-view": TIERS, "order-sign": frozenset({"P1", "P2"})}
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def fired(rule_id: str, severity: Severity, tier: str = "P3", variant: str = "low", status: str = "live") -> Verdict:
    one = rule(lambda patient, k: Satisfied(), rule_id, status=status)
    return Verdict(one, "fires", Fires(variant, because=(result("125"),)), tier, severity=severity)  # type: ignore[arg-type]


def ranked(
    *verdicts: Verdict,
    hook: str = "patient-view",
    absorptions: tuple[Absorption, ...] = (),
    lines_only: frozenset[str] = frozenset(),
    kept_back: Mapping[str, KeptBack] = {},
    **how: Any,
) -> Ranking:
    policy = Policy(3, 3, 2, 5, HOOKS, absorptions, (), lines_only=lines_only)
    return rank(sift(verdicts, hook, policy, **how), hook, policy, kept_back)


def ids(ranking: Ranking) -> list[str]:
    return [card.verdict.rule_id for card in ranking.shown]


def test_the_most_severe_comes_first_then_the_tier_then_the_name() -> None:
    cards = ranked(fired("b", INFO), fired("a", INFO), fired("c", INFO, "P1"), fired("d", WARNING, "P5"))
    assert ids(cards) == ["d", "c", "a"]


def test_at_most_three_warnings_and_two_infos_are_shown_and_the_rest_is_listed() -> None:
    cards = ranked(*(fired(f"w{n}", WARNING) for n in range(4)), *(fired(f"i{n}", INFO) for n in range(3)))
    assert ids(cards) == ["w0", "w1", "w2", "i0", "i1"]
    assert [(s.verdict.rule_id, s.reason) for s in cards.suppressed] == [("w3", "cap"), ("i2", "cap")]


def test_never_more_than_five_cards_in_all() -> None:
    cards = ranked(
        *(fired(f"c{n}", CRITICAL) for n in range(3)), *(fired(f"w{n}", WARNING) for n in range(3)), fired("i", INFO)
    )
    assert ids(cards) == ["c0", "c1", "c2", "w0", "w1"]


def test_a_fourth_critical_card_becomes_a_line_of_the_third() -> None:
    cards = ranked(*(fired(f"c{n}", CRITICAL) for n in range(5)))
    assert ids(cards) == ["c0", "c1", "c2"]
    assert [v.rule_id for v in cards.shown[2].absorbed] == ["c3", "c4"]
    assert cards.suppressed == ()


def test_a_tier_that_a_hook_does_not_show_is_suppressed_with_the_reason() -> None:
    cards = ranked(fired("a", WARNING, "P3"), hook="order-sign")
    assert ids(cards) == []
    assert cards.suppressed[0].reason == "P3 is not shown at order-sign"


def test_the_winner_absorbs_the_loser_and_takes_the_highest_severity() -> None:
    cards = ranked(fired("winner", INFO), fired("loser", WARNING), absorptions=(Absorption("winner", "loser"),))
    assert ids(cards) == ["winner"]
    assert cards.shown[0].severity is WARNING
    assert [v.rule_id for v in cards.shown[0].absorbed] == ["loser"]


def test_what_the_winners_card_says_itself_has_no_line() -> None:
    said, other = Absorption("winner", "said", line=False), Absorption("winner", "other")
    (card,) = ranked(
        fired("winner", INFO), fired("said", WARNING), fired("other", INFO), absorptions=(said, other)
    ).shown
    assert [v.rule_id for v in card.absorbed] == ["said", "other"]
    assert [v.rule_id for v in card.lines] == ["other"]
    assert card.severity is WARNING


def test_a_chain_ends_in_one_card() -> None:
    chain = (Absorption("a", "b"), Absorption("b", "c"))
    cards = ranked(fired("a", INFO), fired("b", INFO), fired("c", WARNING), absorptions=chain)
    assert ids(cards) == ["a"]
    assert {v.rule_id for v in cards.shown[0].absorbed} == {"b", "c"}


def test_a_winner_that_does_not_fire_absorbs_nothing() -> None:
    assert ids(ranked(fired("loser", INFO), absorptions=(Absorption("winner", "loser"),))) == ["loser"]


def test_absorption_may_depend_on_variant_severity_and_hook() -> None:
    pair = (fired("winner", INFO, variant="low"), fired("loser", CRITICAL, variant="severe"))
    for entry in (
        Absorption("winner", "loser", winner_variants=frozenset({"severe"})),
        Absorption("winner", "loser", loser_variants=frozenset({"low"})),
        Absorption("winner", "loser", winner_at_least=WARNING),
        Absorption("winner", "loser", loser_at_most=WARNING),
        Absorption("winner", "loser", hooks=frozenset({"order-sign"})),
    ):
        assert set(ids(ranked(*pair, absorptions=(entry,)))) == {"winner", "loser"}


def test_a_silent_rule_is_recorded_but_not_shown_and_absorbs_nothing() -> None:
    silent, live = fired("silent", WARNING, status="silent"), fired("live", INFO)
    cards = ranked(silent, live, absorptions=(Absorption("silent", "live"),))
    assert ids(cards) == ["live"]
    assert cards.suppressed[0].reason == "silent"


def test_sandbox_mode_shows_silent_rules() -> None:
    assert ids(ranked(fired("silent", WARNING, status="silent"), show_silent=True)) == ["silent"]


def test_a_card_that_absorbed_a_critical_one_is_of_tier_one() -> None:
    winner, loser, other = fired("a", INFO, "P5"), fired("b", CRITICAL, "P1"), fired("c", CRITICAL, "P2")
    cards = ranked(winner, loser, other, absorptions=(Absorption("a", "b"),))
    assert ids(cards) == ["a", "c"]


OVERRIDDEN = KeptBack("overridden", datetime(2026, 12, 1, tzinfo=UTC))
CHAIN = (Absorption("a", "b"), Absorption("b", "c"))


def test_a_card_that_is_kept_back_takes_what_it_absorbs_with_it_when_that_was_overridden_too() -> None:
    cards = ranked(
        fired("a", WARNING), fired("b", INFO), absorptions=CHAIN, kept_back={"a": OVERRIDDEN, "b": OVERRIDDEN}
    )
    assert ids(cards) == []
    assert [(s.verdict.rule_id, s.reason, s.until) for s in cards.suppressed] == [
        ("a", "overridden", OVERRIDDEN.until), ("b", "overridden", OVERRIDDEN.until)
    ]  # fmt: skip


def test_what_was_not_overridden_comes_out_from_under_a_card_that_was() -> None:
    cards = ranked(
        fired("a", WARNING), fired("b", INFO), fired("c", INFO), absorptions=CHAIN, kept_back={"a": OVERRIDDEN}
    )
    assert ids(cards) == ["b"]
    assert [v.rule_id for v in cards.shown[0].absorbed] == ["c"]


def test_what_was_overridden_stays_as_a_line_of_a_card_that_is_shown() -> None:
    cards = ranked(fired("a", WARNING), fired("b", INFO), absorptions=CHAIN, kept_back={"b": OVERRIDDEN})
    assert [v.rule_id for v in cards.shown[0].absorbed] == ["b"]
    assert cards.suppressed == ()


def test_a_card_that_is_kept_back_makes_room_under_the_caps() -> None:
    cards = ranked(*(fired(f"i{n}", INFO) for n in range(3)), kept_back={"i0": OVERRIDDEN})
    assert ids(cards) == ["i1", "i2"]


def test_a_rule_that_an_operator_silenced_is_not_shown_in_the_sandbox_either() -> None:
    cards = ranked(fired("a", WARNING), fired("b", INFO, status="silent"), show_silent=True, silenced=frozenset("a"))
    assert ids(cards) == ["b"]
    assert [(s.verdict.rule_id, s.reason) for s in cards.suppressed] == [("a", "silent")]


def test_a_rule_that_is_only_a_line_never_has_a_card_of_its_own() -> None:
    how: Any = {"absorptions": (Absorption("card", "line"),), "lines_only": frozenset({"line"})}
    alone = ranked(fired("line", INFO), **how)
    assert ids(alone) == []
    assert [(s.verdict.rule_id, s.reason) for s in alone.suppressed] == [("line", "only a line in other cards")]
    carried = ranked(fired("line", INFO), fired("card", INFO), **how)
    assert [[v.rule_id for v in card.absorbed] for card in carried.shown] == [["line"]]


def test_of_equal_cards_the_one_about_the_newest_fact_comes_first_whatever_kind_it_is() -> None:
    def about(rule_id: str, *facts: Any) -> Verdict:
        return msgspec.structs.replace(fired(rule_id, INFO), outcome=Fires("low", because=facts))

    early, late = moment(timedelta(days=2)), moment(timedelta(minutes=1))
    order = LabOrder("sodium", late, "ServiceRequest/1")
    drug = msgspec.structs.replace(exposure(), authored=early)
    problem = Problem("gout", "gout", late, active=True, confirmed=True, by_text=False, ref="Condition/1")
    assert ids(ranked(about("a-problem", problem), about("b-drug", drug))) == ["b-drug", "a-problem"]
    assert ids(ranked(about("a-drug", drug), about("b-order", order))) == ["b-order", "a-drug"]
