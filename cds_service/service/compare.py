"""`ionwise compare`: the same examples under two knowledges, and which cards come, go or change in severity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from cds_service.errors import IonwiseError, RequestError
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.service.recorded import Example

EXAMPLES = 5
Kind = Literal["gained", "lost", "changed"]


class Side(msgspec.Struct, frozen=True):
    """One of the two: what it is called, its knowledge and how it answers."""

    name: str
    knowledge: Knowledge
    options: DecideOptions


class Difference(msgspec.Struct, frozen=True):
    """One card that differs in one example; `why`: what the rule came to where there is no card."""

    rule: str
    kind: Kind
    example: str
    old: str = ""
    new: str = ""
    why: str = ""


class Comparison(msgspec.Struct, frozen=True):
    """Everything that differs. `cards`: how many were shown, old and new; `refused`: requests that one side refuses."""

    old: str
    new: str
    examples: int
    refused: int
    cards: tuple[int, int]
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """The figures per rule with example cases."""
        return {
            "old": self.old,
            "new": self.new,
            "examples": self.examples,
            "refused": self.refused,
            "cards": {"old": self.cards[0], "new": self.cards[1]},
            "rules": {rule: _rule_figures(found) for rule, found in self._by_rule()},
        }

    def as_text(self) -> Iterator[str]:
        """Lines for a terminal. They name the examples, and with them patients."""
        yield f"old: {self.old}"
        yield f"new: {self.new}"
        yield f"{self.examples} examples, {self.refused} refused; cards {self.cards[0]} -> {self.cards[1]}"
        if not self.differences:
            yield "no card differs"
        for rule, found in self._by_rule():
            counts = Counter(one.kind for one in found)
            yield f"{rule}: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("gained", "lost", "changed"))
            for one in found[:EXAMPLES]:
                change = {"gained": one.new, "lost": one.old, "changed": f"{one.old} -> {one.new}"}[one.kind]
                yield f"  {one.kind:7} {change:20} {one.example}" + (f" ({one.why})" if one.why else "")

    def _by_rule(self) -> list[tuple[str, list[Difference]]]:
        rules: dict[str, list[Difference]] = {}
        for one in self.differences:
            rules.setdefault(one.rule, []).append(one)
        return sorted(rules.items(), key=lambda item: (-len(item[1]), item[0]))


def _rule_figures(found: list[Difference]) -> dict[str, Any]:
    changes = Counter(f"{one.old} -> {one.new}" for one in found if one.kind == "changed")
    return {
        "gained": sum(one.kind == "gained" for one in found),
        "lost": sum(one.kind == "lost" for one in found),
        "changed": dict(changes),
        "examples": [
            {name: value for name, value in msgspec.structs.asdict(one).items() if value and name != "rule"}
            for one in found[:EXAMPLES]
        ],
    }


def read_side(text: str, options: DecideOptions) -> Side:
    """`CARDS_DIR`, `CARDS_DIR+OVERLAY.yaml` or `OVERLAY.yaml` (over the knowledge that comes with this version).

    Raises KnowledgeError when it is refused, IonwiseError when it is not there.
    """
    folder, _, overlay = text.partition("+")
    if not overlay and folder.endswith((".yaml", ".yml")):
        folder, overlay = "", folder
    for place in (folder, overlay):
        if place and not Path(place).exists():
            raise IonwiseError(f"{place}: there is no such file or folder -> write CARDS_DIR, CARDS_DIR+OVERLAY.yaml")
    knowledge = load_knowledge(Path(folder).resolve() if folder else None, overlay=Path(overlay) if overlay else None)
    name = f"knowledge {knowledge.version}, overlay {knowledge.overlay_hash[:12] or 'none'} ({text})"
    return Side(name, knowledge, options.for_tenant(knowledge.tenant))


def compare_sides(old: Side, new: Side, examples: Iterable[Example]) -> Comparison:
    """Decide every example twice. A request that one of the two refuses is counted, and left out."""
    differences: list[Difference] = []
    count = refused = before = after = 0
    for example in examples:
        count += 1
        try:
            first, second = (_decide(side, example) for side in (old, new))
        except RequestError:
            refused += 1
            continue
        one, two = _cards(first), _cards(second)
        before, after = before + len(one), after + len(two)
        for rule in sorted(one.keys() | two.keys()):
            if rule not in one:
                found = Difference(rule, "gained", example.name, new=two[rule], why=_fate(first, rule))
            elif rule not in two:
                found = Difference(rule, "lost", example.name, old=one[rule], why=_fate(second, rule))
            elif one[rule] != two[rule]:
                found = Difference(rule, "changed", example.name, one[rule], two[rule])
            else:
                continue
            differences.append(found)
    return Comparison(old.name, new.name, count, refused, (before, after), tuple(differences))


def _decide(side: Side, example: Example) -> Decision:
    absent = side.knowledge.tenant.absent_sources or frozenset()
    return decide(example.call(side.knowledge.key_plan, absent), side.knowledge, side.options)


def _cards(decision: Decision) -> dict[str, str]:
    return {shown.verdict.rule_id: str(shown.severity) for shown in decision.ranking.shown}


def _fate(decision: Decision, rule: str) -> str:
    """What became of a rule that shows no card of its own."""
    for shown in decision.ranking.shown:
        if any(verdict.rule_id == rule for verdict in shown.absorbed):
            return f"a line of {shown.verdict.rule_id}"
    for suppressed in decision.ranking.suppressed:
        if suppressed.verdict.rule_id == rule:
            return suppressed.reason
    verdict = next((verdict for verdict in decision.trace if verdict.rule_id == rule), None)
    if verdict is None:
        return "the rule is not there"
    detail = verdict.reason or "; ".join(verdict.missing)
    return f"{verdict.kind}: {detail}" if detail else verdict.kind
