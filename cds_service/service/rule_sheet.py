"""Everything a reader may want to know of one rule, gathered once for the page, the documentation and the JSON."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from functools import cache

import msgspec

from cds_service.knowledge.model import CardText, Family, Knowledge, Limit, PlainText, Rule, Text
from cds_service.knowledge.vocabulary_systems import LOINC
from cds_service.service.rule_records import RuleRecord

_OF_BIRTH = frozenset({"age", "aged_at_least", "age_in_days"})
_HEALTH_STATUS = frozenset(
    {"pregnancy", "pregnancy-status", "gestational-age", "expected-delivery-date",
     "alcohol-use", "alcohol-per-week", "alcohol-per-drinking-day", "alcohol-use-disorder"}
)  # fmt: skip
# eGFR for black and for other patients, by CKD-EPI 2009 and MDRD: computed by the laboratory with a race coefficient.
_RACE_CODED = ("48642-3", "48643-1", "88293-6", "88294-4")
LABELS_OF_KINDS: Mapping[str, PlainText] = {
    "result": {"nl": "Uitslagen", "en": "Results"},
    "drug": {"nl": "Geneesmiddelen", "en": "Drugs"},
    "condition": {"nl": "Aandoeningen en klachten", "en": "Conditions and complaints"},
    "procedure": {"nl": "Verrichtingen", "en": "Procedures"},
    "order": {"nl": "Aangevraagde bepalingen", "en": "Tests on order"},
}


class Seen(msgspec.Struct, frozen=True):
    """One thing that a rule reads: its kind, its name, and the id of its value set."""

    kind: str
    label: PlainText
    value_set: str


class ShownLimit(msgspec.Struct, frozen=True):
    """One limit as it stands at this site. own: the site chose the value; cited: the source as people know it."""

    limit: Limit
    own: bool
    cited: str


class Question(msgspec.Struct, frozen=True):
    """A shared question that a rule asks, or a gate that switches it off, with its own limits (those of the mechanism
    that decides for a rule are among the rule's)."""

    family: Family
    limits: tuple[ShownLimit, ...]


class RuleSheet(msgspec.Struct, frozen=True):
    """One rule at one site.

    decision    the sentence in which its code says what it does
    race_coded  LOINC codes of results that it may read and that a laboratory computed with a race coefficient
    """

    rule: Rule
    record: RuleRecord
    decision: str
    sees: tuple[Seen, ...]
    limits: tuple[ShownLimit, ...]
    questions: tuple[Question, ...]
    gates: tuple[Question, ...]
    orders: tuple[PlainText, ...]
    switched_off: str
    uses_birth_date: bool
    uses_sex: bool
    health_status: tuple[PlainText, ...]
    race_coded: tuple[str, ...]

    def kinds(self) -> Iterable[tuple[str, tuple[Seen, ...]]]:
        """What it reads, by kind."""
        for kind in LABELS_OF_KINDS:
            if found := tuple(one for one in self.sees if one.kind == kind):
                yield kind, found


def rule_sheet(knowledge: Knowledge, rule: Rule, record: RuleRecord) -> RuleSheet:
    """The sheet of one rule of this knowledge."""
    everywhere = {effect.gate for effect in knowledge.policy.gate_effects}
    asked = [family for family in knowledge.family_table if family.id in rule.needs.uses and family.kind != "gate"]
    gates = [family for family in knowledge.family_table if family.id in {*rule.gates, *everywhere}]
    own_family = [family for family in knowledge.family_table if family.id == rule.family]
    names = _names_read(_file_of(rule.evaluate))
    for family in (*asked, *gates, *own_family):
        names |= _names_read(_file_of(family.function))
    sees = _sees(knowledge, rule)
    read = {*rule.needs.results, *rule.needs.conditions}
    for family in gates:
        read |= {*family.needs.results, *family.needs.conditions}
    vocabulary = knowledge.vocabulary
    status = {**vocabulary.condition_labels, **{key: concept.label for key, concept in vocabulary.concepts.items()}}
    suggested = {name for card in rule.cards.values() for name in card.suggestions}
    return RuleSheet(
        rule=rule,
        record=record,
        decision=" ".join((inspect.getdoc(rule.evaluate) or "").split()),
        sees=sees,
        limits=shown_limits(knowledge, rule.id, rule.limit_table, rule.family),
        questions=tuple(_question(knowledge, family) for family in (*own_family, *asked)),
        gates=tuple(_question(knowledge, family) for family in gates),
        orders=tuple(knowledge.orders[name].label for name in sorted(suggested) if name in knowledge.orders),
        switched_off=knowledge.tenant.switched_off.get(rule.id, ""),
        uses_birth_date=rule.ages != "any" or bool(names & _OF_BIRTH),
        uses_sex="sex" in names,
        health_status=tuple(status[name] for name in sorted(read & _HEALTH_STATUS) if name in status),
        race_coded=tuple(code for code in _RACE_CODED if (LOINC, code) in vocabulary.measurement_codes)
        if "egfr" in read
        else (),
    )


def _question(knowledge: Knowledge, family: Family) -> Question:
    return Question(family, shown_limits(knowledge, family.id, family.limit_table))


def plain(text: Text, language: str) -> str:
    """A card text with its places in braces, as it is written."""
    return "".join(map(str, text[language].pieces))


def card_lines(card: CardText, language: str) -> tuple[str, ...]:
    """Summary, reason and steps of one card."""
    texts = (card.summary, *((card.why,) if card.why else ()), *card.do)
    return tuple(plain(text, language) for text in texts)


def wording(rule: Rule) -> tuple[tuple[str, str, str], ...]:
    """What the places of its texts may say: name, Dutch and English of the rule's phrases of more than one word."""
    found = [(name, plain(text, "nl"), plain(text, "en")) for name, text in rule.phrases.items()]
    return tuple([one for one in found if " " in one[1]])


def _sees(knowledge: Knowledge, rule: Rule) -> tuple[Seen, ...]:
    vocabulary, needs = knowledge.vocabulary, rule.needs
    found = [
        Seen("result", vocabulary.concepts[name].label, f"result-{name}")
        for name in sorted(needs.results)
        if name in vocabulary.concepts
    ]
    for name in sorted(needs.drugs):
        drug = vocabulary.drugs.get(name)
        label = vocabulary.group_labels.get(name) or (drug.label if drug else {"nl": name, "en": name})
        found.append(Seen("drug", label, f"drug-{name}"))
    for kind, names in (("condition", needs.conditions), ("procedure", needs.procedures)):
        found += [
            Seen(kind, vocabulary.condition_labels.get(name, {"nl": name, "en": name}), f"condition-{name}")
            for name in sorted(names)
        ]
    found += [
        Seen("order", vocabulary.concepts[name].label, f"result-{name}")
        for name in sorted(needs.orders)
        if name in vocabulary.concepts
    ]
    return tuple(found)


def shown_limits(
    knowledge: Knowledge, owner: str, limits: Iterable[Limit], mechanism: str | None = None
) -> tuple[ShownLimit, ...]:
    """The limits of a rule or family (`owner`) as they stand at this site; mechanism: whose limits are among them."""
    moved = knowledge.tenant.limits
    return tuple(
        ShownLimit(
            one,
            not moved.keys().isdisjoint((f"{owner}.{one.name}", f"{mechanism}.{one.name}", one.same_as or "")),
            _cited(knowledge, one),
        )
        for one in limits
    )


def _cited(knowledge: Knowledge, limit: Limit) -> str:
    source = knowledge.evidence.get(limit.evidence or "")
    return source.label if source else ""


def _file_of(function: object) -> str:
    return inspect.getsourcefile(function) or ""  # type: ignore[arg-type]  # any function of cards/


@cache
def _names_read(file: str) -> frozenset[str]:
    """What the code of a rule or family reads of the patient itself: `patient.age`, `patient.sex`, ..."""
    with open(file, encoding="utf-8") as code:  # noqa: PTH123 (a path that Python itself gave)
        tree = ast.parse(code.read())
    return frozenset(
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "patient"
    )
