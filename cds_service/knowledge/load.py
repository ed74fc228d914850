"""Turns cards/ into one frozen Knowledge, or refuses with everything that is wrong, each with file, line and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import UNASKED
from cds_service.knowledge.compiling import Compiler
from cds_service.knowledge.limits import LimitTable
from cds_service.knowledge.model import Gate, Knowledge, Policy, Rule
from cds_service.knowledge.overlay.apply import apply_overlay
from cds_service.knowledge.overlay.limits import questions
from cds_service.knowledge.shared_files import SharedFiles, read_shared
from cds_service.knowledge.sources import DEFAULT_CARDS, Sources, read_sources

RUNNING = frozenset({"silent", "live"})


def load_knowledge(cards_dir: Path | None = None, *, overlay: Path | None = None, drafts: bool = False) -> Knowledge:
    """The compiled knowledge of cards/ (default: the one beside cds_service).

    overlay: a site's own file (docs/overlay.md).
    drafts: rules of status draft are loaded too, and run like silent ones.

    Raises KnowledgeError with all findings.
    """
    base, sources = compile_base(cards_dir, drafts=drafts)
    return base if overlay is None else apply_overlay(overlay, base, sources)


def compile_base(cards_dir: Path | None = None, *, drafts: bool = False) -> tuple[Knowledge, Sources]:
    """The knowledge of cards/ without any overlay, and what it was compiled from. Raises KnowledgeError."""
    sources = read_sources(cards_dir or DEFAULT_CARDS)
    knowledge, findings = compile_knowledge(sources, drafts=drafts)
    if knowledge is None or findings:
        raise KnowledgeError(tuple(findings))
    return knowledge, sources


def compile_knowledge(sources: Sources, *, drafts: bool = False) -> tuple[Knowledge | None, list[Finding]]:
    """What compiles of `sources`, and everything that is wrong. None when the shared files themselves are refused."""
    shared, findings = read_shared(sources.cards_dir / "_shared", sources.shown)
    findings = [*sources.findings, *findings]
    if shared is None or sources.policy is None or sources.evidence is None or sources.phrases is None:
        return None, findings
    compiler = Compiler(sources, LimitTable(sources), sources.evidence.entry.build())
    compiler.compile_families()
    wanted = RUNNING | {"draft"} if drafts else RUNNING
    compiled = [compiler.compile_rule(source) for source in sources.rules if source.entry.status in wanted]
    rules = tuple(rule for rule in compiled if rule is not None)
    phrases = {
        name: compiler.text(sources.phrases, text, "phrases", name)
        for name, text in sources.phrases.entry.phrases.items()
    }
    policy = sources.policy.entry.build()
    knowledge = _assemble(sources, compiler, shared, policy, rules, phrases)
    return knowledge, [*findings, *compiler.findings]


def _assemble(
    sources: Sources,
    compiler: Compiler,
    shared: SharedFiles,
    policy: Policy,
    rules: tuple[Rule, ...],
    phrases: Mapping[str, Any],
) -> Knowledge:
    families = tuple(compiler.families.values())
    return Knowledge(
        version=sources.version,
        overlay_hash="",
        rules=rules,
        families=questions(families),
        family_table=families,
        gates={f.id: Gate(f.id, f.title, f.function) for f in families if f.kind == "gate"},
        vocabulary=shared.vocabulary,
        key_plan=shared.key_plan,
        policy=policy,
        orders=shared.orders,
        evidence=compiler.evidence,
        phrases=phrases,
        override_reasons=shared.override_reasons,
        by_hook=rules_by_hook(rules),
        concept_keys={c.id: c.key for c in shared.vocabulary.concepts.values() if c.key != UNASKED},
    )


def rules_by_hook(rules: tuple[Rule, ...]) -> dict[str, tuple[Rule, ...]]:
    """Hook -> its rules, in the order of `rules`."""
    hooks = sorted({hook for rule in rules for hook in rule.hooks})
    return {hook: tuple(rule for rule in rules if hook in rule.hooks) for hook in hooks}
