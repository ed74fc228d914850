"""Small snapshots and rules for testing the engine without any clinical knowledge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.facts.moments import AsOf, Moment, parse_moment
from cds_service.facts.outcomes import Outcome, Severity
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Band, Coverage, Exposure, Person, Result
from cds_service.facts.snapshot import Snapshot
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.model import CardText, Gate, GateEffect, Knowledge, Policy, Review, Rule
from cds_service.knowledge.template import parse_template

ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TIERS = frozenset({"P1", "P2", "P3", "P4", "P5"})


def moment(ago: timedelta) -> Moment:
    """The instant `ago` before now."""
    return Moment(NOW - ago, NOW - ago)


def result(
    value: str, *, concept: str = "sodium", comparator: str = "", age: Band = "fresh", flags: tuple[str, ...] = ()
) -> Result:
    """One sodium result of an hour ago."""
    return Result(
        concept=concept,
        value=Decimal(value),
        comparator=comparator,
        reported=value,
        unit="mmol/L",
        converted=False,
        at=moment(timedelta(hours=1)),
        age=age,
        flags=frozenset(flags),
        range=None,
        ref=f"Observation/{concept}-{value}",
    )


def exposure(*, status: str = "draft", judged: bool = True) -> Exposure:
    """A drug of group `example`."""
    return Exposure(
        name="example",
        ingredients=frozenset({"example"}),
        groups=frozenset({"example"}),
        status=status,  # type: ignore[arg-type]
        route="oral",
        since=None,
        until=None,
        dosages=(),
        strengths=(),
        ref="MedicationRequest/1",
        known_by="ATC",
        judged=judged,
    )


def snapshot(*results: Result, hook: str = "patient-view", birth: str | None = "1960-01-01", **other: Any) -> Snapshot:
    """A chart with the given sodium results and complete answers to every key."""
    by_concept: dict[str, tuple[Result, ...]] = {}
    for one in results:
        by_concept[one.concept] = (*by_concept.get(one.concept, ()), one)
    provisional = frozenset(r.concept for r in results if r.flags & {"preliminary", "page-incomplete"})
    keys = ("labs", "conditions", "medications", "medicationStatements")
    fields: dict[str, Any] = {
        "as_of": AsOf(NOW, ZONE, date(2026, 11, 21)),
        "hook": hook,
        "person": Person("p", parse_moment(birth, ZONE), "male", False),
        "stay": None,
        "results": by_concept,
        "unusable": {},
        "conflicts": {},
        "exposures": {},
        "drug_list": (),
        "unmapped": (),
        "problems": {},
        "procedures": {},
        "orders": {},
        "coverage": {key: Coverage("complete") for key in keys},
        "concept_keys": {"sodium": "labs"},
        "present": frozenset(f"result:{concept}" for concept in by_concept),
        "provisional": provisional,
        "answers": {},
    }
    return Snapshot(**(fields | other))


def rule(evaluate: Callable[[Patient, Limits], Outcome], rule_id: str = "example", **other: Any) -> Rule:
    """A live adult rule about sodium with variants `low` (warning) and `severe` (critical)."""
    text = {"nl": parse_template("tekst"), "en": parse_template("text")}
    variants = {"low": Severity.WARNING, "severe": Severity.CRITICAL, "note": Severity.INFO}
    fields: dict[str, Any] = {
        "id": rule_id,
        "version": 1,
        "status": "live",
        "group": "A",
        "title": {"nl": "voorbeeld", "en": "example"},
        "hooks": frozenset({"patient-view"}),
        "tiers": {},
        "default_tier": "P3",
        "ages": "adult",
        "gates": (),
        "recent_is_fresh_at": frozenset(),
        "trigger": frozenset({"result:sodium"}),
        "needs": Needs(results=frozenset({"sodium"})),
        "limits": Limits({}, {}),
        "limit_table": (),
        "evaluate": evaluate,
        "cards": {name: CardText(name, severity, text, None, (), ()) for name, severity in variants.items()},
        "notes": {},
        "phrases": {},
        "grade": "strong",
        "evidence": (),
        "known_limits": (),
        "override_reasons": (),
        "review": Review("a", "b", date(2026, 1, 1), date(2027, 1, 1)),
        "family": None,
        "sha256": "",
        "folder": "",
    }
    return Rule(**(fields | other))


EMPTY_VOCABULARY = Vocabulary({}, {}, {}, {}, {}, (), {}, {}, (), {}, {})


def knowledge(
    *rules: Rule, gates: tuple[Gate, ...] = (), effects: tuple[GateEffect, ...] = (), **other: Any
) -> Knowledge:
    """Knowledge with just these rules and gates, and the caps of the shipped policy."""
    from cds_service.facts.patient import FamilyKnowledge

    policy = Policy(3, 3, 2, 5, {"patient-view": TIERS, "order-sign": frozenset({"P1", "P2"})}, (), effects)
    families = {g.question: FamilyKnowledge(g.id, Limits({}, {}), Needs()) for g in gates}
    fields: dict[str, Any] = {
        "version": "test",
        "overlay_hash": "none",
        "rules": rules,
        "families": families,
        "family_table": (),
        "gates": {g.id: g for g in gates},
        "vocabulary": EMPTY_VOCABULARY,
        "key_plan": (),
        "policy": policy,
        "orders": {},
        "evidence": {},
        "phrases": {},
        "override_reasons": {},
    }
    return Knowledge(**(fields | other))
