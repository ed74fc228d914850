"""From checked files to the frozen rules and families of the model; everything wrong becomes a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.outcomes import Severity
from cds_service.facts.patient import Needs
from cds_service.knowledge.code import find_function, import_code
from cds_service.knowledge.family_file import FamilyEntry
from cds_service.knowledge.file_model import Bilingual, read_model
from cds_service.knowledge.limits import LimitTable, build_limits
from cds_service.knowledge.model import CardText, Evidence, Family, Review, Rule, Text
from cds_service.knowledge.rule_file import CardEntry, NeedsEntry, RuleEntry
from cds_service.knowledge.sources import Source, Sources, rule_hash
from cds_service.knowledge.template import parse_template


class Compiler:
    """Compiles the rules and families of `sources`; `findings` grows with everything that is wrong."""

    def __init__(self, sources: Sources, table: LimitTable, evidence: Mapping[str, Evidence]) -> None:
        self.sources = sources
        self.table = table
        self.evidence = evidence
        self.findings: list[Finding] = []
        self.families: dict[str, Family] = {}
        self._data_models: dict[str, type[BaseModel]] = {}

    def compile_families(self) -> None:
        """Fill `families`; must come before the rules."""
        for source in self.sources.families:
            family = self._family(source)
            if family is not None:
                self.families[family.id] = family

    def _family(self, source: Source[FamilyEntry]) -> Family | None:
        entry = source.entry
        limits, findings = self.table.resolve(source)
        self.findings += findings
        wanted = entry.function or ("evaluate" if entry.kind == "rule" else entry.id.replace("-", "_"))
        shown = self.sources.shown(source.folder / "family.py")
        try:
            module = import_code(self.sources.cards_dir, "_families", source.folder.name, "family", shown=shown)
            function = find_function(module, wanted, shown)
        except KnowledgeError as refused:
            self.findings += refused.findings
            return None
        data_model = getattr(module, "Data", None)
        if isinstance(data_model, type) and issubclass(data_model, BaseModel):
            self._data_models[entry.id] = data_model
        return Family(
            id=entry.id,
            kind=entry.kind,
            title=entry.title.as_dict(),
            needs=self.closed(_needs(entry.needs), source, ()),
            limits=build_limits(limits),
            limit_table=limits,
            known_limits=tuple(text.as_dict() for text in entry.known_limits),
            function=function,
        )

    def closed(self, needs: Needs, user: Source[Any], path: tuple[str, ...]) -> Needs:
        """`needs` with those of all used families, and theirs."""
        for family_id in sorted(needs.uses):
            family = self.sources.family(family_id)
            if family is None:
                problem = f"uses the family {family_id}, which does not exist"
                remedy = "correct the id, or add cards/_families/" + family_id.replace("-", "_")
                self.findings.append(user.finding("needs", problem, remedy, "needs", "uses"))
            elif family_id not in path:
                needs = needs.union(self.closed(_needs(family.entry.needs), family, (*path, family_id)))
        return needs

    def compile_rule(self, source: Source[RuleEntry]) -> Rule | None:
        """One rule, or None when it cannot be compiled (the findings say why)."""
        before = len(self.findings)
        entry = source.entry
        family = self._family_of(source)
        limits, findings = self.table.resolve(source)
        self.findings += findings
        needs = self.closed(_needs(entry.needs), source, ())
        if family is not None:
            limits = tuple({limit.name: limit for limit in (*family.limit_table, *limits)}.values())
            needs = needs.union(family.needs)
        evaluate = self._evaluate(source, family)
        data = self._data(source, family)
        cards, notes, phrases = self._texts(source)
        sources_cited = self._evidence(source)
        if evaluate is None or len(self.findings) > before:
            return None
        return Rule(
            id=entry.id,
            version=entry.version,
            status=entry.status,
            group=entry.group,
            title=entry.title.as_dict(),
            hooks=frozenset(entry.hooks),
            tiers={hook: tier for hook, tier in entry.tier.items() if hook != "default"},
            default_tier=entry.tier["default"],
            ages=entry.ages,
            gates=entry.gates,
            recent_is_fresh_at=frozenset(entry.recent_is_fresh_at),
            trigger=frozenset(entry.trigger),
            needs=needs,
            limits=build_limits(limits, data),
            limit_table=limits,
            evaluate=evaluate,
            cards=cards,
            notes=notes,
            phrases=phrases,
            grade=entry.grade,
            evidence=sources_cited,
            known_limits=tuple(text.as_dict() for text in entry.known_limits),
            override_reasons=entry.override_reasons,
            review=Review(**dict(entry.review)),
            family=entry.family,
            sha256=rule_hash(source.folder),
            folder=source.folder.name,
            together_with=frozenset(entry.together_with),
            tells_age=entry.tells_age,
        )

    def _family_of(self, source: Source[RuleEntry]) -> Family | None:
        wanted = source.entry.family
        if wanted is None:
            return None
        family = self.families.get(wanted)
        if family is None or family.kind != "rule":
            problem = f"family {wanted} is not a family of kind rule"
            self.findings.append(source.finding("family", problem, "name one from cards/_families", "family"))
            return None
        return family

    def _evaluate(self, source: Source[RuleEntry], family: Family | None) -> Callable[..., Any] | None:
        if source.entry.family is not None:
            return None if family is None else family.function
        shown = self.sources.shown(source.folder / "rule.py")
        try:
            module = import_code(self.sources.cards_dir, source.folder.name, "rule", shown=shown)
            return find_function(module, "evaluate", shown)
        except KnowledgeError as refused:
            self.findings += refused.findings
            return None

    def _data(self, source: Source[RuleEntry], family: Family | None) -> Any:
        model = self._data_models.get(family.id) if family is not None else None
        if model is None:
            if source.entry.data is not None and family is not None:
                problem = f"family {family.id} takes no data"
                self.findings.append(source.finding("family", problem, "remove data", "data"))
            return None
        if source.entry.data is None:
            problem = "data is missing"
            self.findings.append(source.finding("family", problem, "add the table that the family's Data asks for"))
            return None
        if getattr(model, "model_config", {}).get("strict"):
            data, findings = read_model(source.document, model, "data")
            self.findings += findings
            return data
        try:
            return model.model_validate(source.document.data["data"])
        except ValidationError as refused:
            for error in refused.errors(include_url=False):
                path = ("data", *error["loc"])
                self.findings.append(
                    source.finding("family", f"{'.'.join(map(str, path))}: {error['msg']}", "correct the value", *path)
                )
            return None

    def _evidence(self, source: Source[RuleEntry]) -> tuple[Evidence, ...]:
        found = []
        for index, key in enumerate(source.entry.evidence):
            if key in self.evidence:
                found.append(self.evidence[key])
            else:
                problem = f"unknown evidence {key}"
                remedy = "add it to _shared/evidence.yaml or correct the id"
                self.findings.append(source.finding("evidence", problem, remedy, "evidence", index))
        for key, path in _cited(source.entry.data, ("data",)):
            if key not in source.entry.evidence:
                problem = f"{key} is not among the sources of the rule"
                self.findings.append(source.finding("evidence", problem, "add it to evidence or correct the id", *path))
        return tuple(found)

    def _texts(self, source: Source[RuleEntry]) -> tuple[dict[str, CardText], dict[str, Text], dict[str, Text]]:
        family = self.sources.family(source.entry.family) if source.entry.family else None
        cards: dict[str, CardText] = {}
        notes: dict[str, Text] = {}
        phrases: dict[str, Text] = {}
        for owner in (family, source):
            if owner is None:
                continue
            for variant, card in owner.entry.cards.items():
                cards[variant] = self._card(owner, variant, card, source.entry.suggestions)
            notes |= {name: self.text(owner, text, "notes", name) for name, text in owner.entry.notes.items()}
            phrases |= {name: self.text(owner, text, "phrases", name) for name, text in owner.entry.phrases.items()}
        return cards, notes, phrases

    def _card(self, owner: Source[Any], variant: str, card: CardEntry, suggestions: tuple[str, ...]) -> CardText:
        at = ("cards", variant)
        return CardText(
            variant=variant,
            indicator=Severity[card.indicator.upper()],
            summary=self.text(owner, card.summary, *at, "summary"),
            why=None if card.why is None else self.text(owner, card.why, *at, "why"),
            do=tuple(self.text(owner, text, *at, "do", index) for index, text in enumerate(card.do)),
            suggestions=suggestions if card.suggestions is None else card.suggestions,
            grade=card.grade,
            tier=card.tier,
        )

    def text(self, owner: Source[Any], text: Bilingual, *path: str | int) -> Text:
        """Both languages compiled; a malformed place is a finding."""
        compiled = {}
        for language, words in text.as_dict().items():
            try:
                compiled[language] = parse_template(words)
            except ValueError as error:
                remedy = "write a place as {name} or {name.part}"
                self.findings.append(owner.finding("templates", str(error), remedy, *path, language))
        return compiled


def _needs(entry: NeedsEntry) -> Needs:
    return Needs(**{name: frozenset(getattr(entry, name)) for name in Needs.__struct_fields__})


def _cited(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The sources that parts of a family's table name as their own, under `evidence`, and where."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, (list, tuple)) else ()
    for name, part in items:
        if name == "evidence":
            yield from ((key, (*path, name)) for key in part)
        else:
            yield from _cited(part, (*path, name))
