"""Runs the cases of a rule through decide(), as every door does, and collects its golden cards."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cds_service.errors import CannotTellError, Finding, KnowledgeError
from cds_service.facts.outcomes import Severity
from cds_service.facts.patient import Patient
from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.knowledge.sources import Sources
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.service.situations import SituationError, build_call

LANGUAGES = ("nl", "en")
GOLDEN_FILE = "expected.json"
VOLATILE = frozenset({"uuid"})


class CaseResult(msgspec.Struct, frozen=True):
    """What a case came to. `problems` says, in words, where that differs from what the case expects."""

    case: str
    kind: str
    variant: str | None
    severity: Severity | None
    missing: tuple[str, ...]
    reason: str
    problems: tuple[str, ...]
    decision: Decision


def run_case(case: CaseEntry, rule: Rule, knowledge: Knowledge, language: str = "nl") -> CaseResult:
    """Run one case with only its own rule, so that neither caps nor absorption hide the card.

    Raises SituationError when the case cannot be turned into a call.
    """
    decision = decide(build_call(case, knowledge), alone(rule, knowledge, case.hook), options_for(case, language))
    verdict = decision.trace[0]
    result = CaseResult(
        case=case.name,
        kind=verdict.kind,
        variant=verdict.variant,
        severity=verdict.severity,
        missing=verdict.missing,
        reason=verdict.reason,
        problems=(),
        decision=decision,
    )
    return msgspec.structs.replace(result, problems=compare(case, result.kind, result.variant, result.severity,
                                                            result.missing, result.reason))  # fmt: skip


def alone(rule: Rule, knowledge: Knowledge, hook: str) -> Knowledge:
    """The knowledge with one rule at one hook, shown even if it is only a line; everything else shared stays."""
    policy = msgspec.structs.replace(knowledge.policy, lines_only=frozenset())
    return msgspec.structs.replace(knowledge, rules=(rule,), by_hook={hook: (rule,)}, policy=policy)


def options_for(case: CaseEntry, language: str = "nl") -> DecideOptions:
    """How cases are decided: sandbox (silent rules show), with the case's clinical settings."""
    settings = {name: frozenset(values) for name, values in case.settings.items()}
    return DecideOptions(language=language, sandbox=True, strict=True, settings=settings)


def compare(
    case: CaseEntry, kind: str, variant: str | None, severity: Severity | None, missing: tuple[str, ...], reason: str
) -> tuple[str, ...]:
    """The differences between what happened and what the case expects; empty when there are none."""
    came = variant if kind == "fires" else kind
    if came != case.then:
        because = f" ({reason})" if reason else f" (missing {', '.join(missing)})" if missing else ""
        return (f"expected {case.then}, came to {came}{because}",)
    problems = []
    if case.indicator is not None and str(severity) != case.indicator:
        problems.append(f"expected {case.indicator}, came to {severity}")
    for item in case.missing:
        if not any(item in found for found in missing):
            problems.append(f"expected {item} to be missing, missing is {', '.join(missing) or 'nothing'}")
    return tuple(problems)


def failing_cases(knowledge: Knowledge, sources: Sources) -> Iterator[Finding]:
    """Every case of every rule that does not come to what it says; unreadable cases are left to the lint."""
    for rule in knowledge.rules:
        try:
            source = read_cases(sources, rule.folder)
        except KnowledgeError:
            continue
        for index, case in enumerate(source.entry.cases):
            try:
                result = run_case(case, rule, knowledge)
                problems = result.problems and (_crash(rule, result, knowledge) or result.problems)
            except SituationError as error:
                problems = (str(error),)
            file, line = sources.shown(source.path), source.document.line("cases", index)
            for problem in problems:
                yield Finding(file, line, "case", f"{case.name!r}: {problem}", "correct the case, or the rule")


def _crash(rule: Rule, result: CaseResult, knowledge: Knowledge) -> tuple[str, ...]:
    """What the rule raised and where, which the engine keeps to itself (a case is made up: it may be told)."""
    try:
        rule.evaluate(Patient(result.decision.snapshot, rule.needs, knowledge.families), rule.limits)
    except CannotTellError:
        return ()
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        at = ([frame for frame in frames if "cds_service" not in Path(frame.filename).parts] or frames)[-1]
        return (f"{type(error).__name__}: {error}, at {Path(at.filename).name}:{at.lineno}",)
    return ()


def golden_cards(rule: Rule, cases: tuple[CaseEntry, ...], knowledge: Knowledge) -> dict[str, Any]:
    """Case name -> language -> card, for every case that shows one; without what changes from run to run."""
    golden: dict[str, Any] = {}
    for case in cases:
        if not case.fires:
            continue
        cards = {
            language: [_stable(card) for card in run_case(case, rule, knowledge, language).decision.response["cards"]]
            for language in LANGUAGES
        }
        golden[case.name] = {language: found[0] for language, found in cards.items() if found}
    return golden


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stable(member) for name, member in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return value
