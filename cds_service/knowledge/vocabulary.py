"""Builds the readers' code tables, the prefetch key plan and the orders from the checked files of cards/_shared.

Names of drugs and terms of conditions are stored as `normal_name` of cds_service.facts.vocabulary gives them; the
readers must bring text into the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from cds_service.facts.vocabulary import UNASKED, AgePolicy, Concept, RangeCheck, Substance, Vocabulary
from cds_service.knowledge.model import KeyPlanEntry, Order, Requirement
from cds_service.knowledge.value_set_files import (
    AgePoliciesFile,
    ConceptEntry,
    ConditionsFile,
    DrugsFile,
    KeyPlanFile,
    ObservationsFile,
    OrdersFile,
)
from cds_service.knowledge.vocabulary_clash import Clash
from cds_service.knowledge.vocabulary_drugs import DrugTables, build_drugs
from cds_service.knowledge.vocabulary_problems import ProblemTables, build_problems
from cds_service.knowledge.vocabulary_systems import LOINC, SNOMED, SYSTEMS

OBSERVATIONS = "valuesets/observations.yaml"
ORDERS = "orders.yaml"
KEY_PLAN = "key_plan.yaml"
MAX_TEMPLATE = 900


def build_vocabulary(
    observations: ObservationsFile,
    age_policies: AgePoliciesFile,
    drugs: DrugsFile,
    conditions: ConditionsFile,
    orders: OrdersFile,
) -> Vocabulary:
    """All code knowledge, indexed. Raises VocabularyError with everything that does not fit together."""
    clash = Clash()
    concepts, measurement_codes = _concepts(observations, age_policies, clash)
    order_codes, panels = _order_codes(orders, concepts, measurement_codes, clash)
    medicines = build_drugs(drugs, clash)
    problems = build_problems(conditions, clash)
    clash.check()
    return _assemble(concepts, measurement_codes, order_codes, panels, medicines, problems)


def _assemble(
    concepts: Mapping[str, Concept],
    measurement_codes: Mapping[tuple[str, str], Concept],
    order_codes: Mapping[tuple[str, str], str],
    panels: Mapping[tuple[str, str], tuple[str, ...]],
    drugs: DrugTables,
    problems: ProblemTables,
) -> Vocabulary:
    return Vocabulary(
        concepts=concepts,
        measurement_codes=measurement_codes,
        drugs=drugs.drugs,
        drug_codes=drugs.codes,
        drug_names=drugs.names,
        atc_classes=drugs.classes,
        condition_codes=problems.codes,
        condition_prefixes=problems.prefixes,
        condition_terms=problems.terms,
        order_codes=order_codes,
        systems=SYSTEMS,
        condition_labels=problems.labels,
        condition_implies=problems.implied,
        procedure_drugs=problems.gives,
        group_labels=drugs.group_labels,
        routes=drugs.routes,
        route_words=drugs.route_words,
        atc_routes=drugs.atc_routes,
        products=drugs.products,
        order_panels=panels,
    )


def _concepts(
    observations: ObservationsFile, policies: AgePoliciesFile, clash: Clash
) -> tuple[dict[str, Concept], dict[tuple[str, str], Concept]]:
    ages = {name: AgePolicy(p.fresh, p.recent, p.stale, p.fresh_inpatient) for name, p in policies.policies.items()}
    concepts: dict[str, Concept] = {}
    codes: dict[tuple[str, str], Concept] = {}
    for name, entry in observations.concepts.items():
        if entry.age not in ages:
            clash.add(
                OBSERVATIONS, ("concepts", name, "age"), f"no age policy {entry.age}", "name one of age_policies.yaml"
            )
            continue
        concepts[name] = concept = _concept(name, entry, ages[entry.age])
        for index, code in enumerate(entry.codes):
            known = codes.setdefault((LOINC, code.loinc), concept)
            if known is not concept:
                path = ("concepts", name, "codes", index)
                clash.add(OBSERVATIONS, path, f"{code.loinc} belongs to {known.id} already", "keep it in one concept")
    return concepts, codes


def _concept(name: str, entry: ConceptEntry, age: AgePolicy) -> Concept:
    mass = entry.substance
    return Concept(
        id=name,
        label=entry.label.as_dict(),
        unit=entry.unit,
        decimals=entry.decimals,
        key=entry.key or UNASKED,
        age=age,
        substance=None if mass is None else Substance(mass.molar_mass, mass.valence),
        plausible=None if entry.plausible is None else entry.plausible.pair,
        range_checks=tuple(
            RangeCheck(c.unit, c.low_above, c.low_below, c.high_above, c.high_below) for c in entry.range_checks
        ),
        properties={code.loinc: code.property for code in entry.codes if code.property is not None},
        haemolysis_raises=entry.haemolysis_raises,
        coded_values=_coded_values(entry),
        preference={code.loinc: n for n, code in enumerate(entry.codes)} if entry.first_code_first else {},
        methods={code.loinc: f"by-{code.method}" for code in entry.codes if code.method is not None},
    )


def _coded_values(entry: ConceptEntry) -> dict[tuple[str, str], Decimal]:
    values: dict[tuple[str, str], Decimal] = {}
    for answer in entry.coded_values:
        values |= {
            (system, code): answer.value for system, code in ((SNOMED, answer.snomed), (LOINC, answer.loinc)) if code
        }
    return values


def _order_codes(
    orders: OrdersFile,
    concepts: Mapping[str, Concept],
    measurement_codes: Mapping[tuple[str, str], Concept],
    clash: Clash,
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], tuple[str, ...]]]:
    codes = {key: concept.id for key, concept in measurement_codes.items()}
    panels: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, order in orders.orders.items():
        _known(order.measures, concepts, ("orders", name, "measures"), clash)
        for system, given in ((LOINC, (*order.loinc, *order.alternatives.loinc)), (SNOMED, order.alternatives.snomed)):
            for code in given:
                codes.setdefault((system, code), order.measures[0])
    for index, panel in enumerate(orders.panels):
        _known(panel.measures, concepts, ("panels", index, "measures"), clash)
        panels[LOINC, panel.loinc] = panel.measures
    return codes, panels


def _known(names: Iterable[str], concepts: Mapping[str, Concept], path: tuple[str | int, ...], clash: Clash) -> None:
    for name in names:
        if name not in concepts:
            clash.add(ORDERS, path, f"no concept {name}", "name one of valuesets/observations.yaml")


def build_orders(orders: OrdersFile) -> dict[str, Order]:
    """Order id -> the draft ServiceRequest that a suggestion makes of it."""
    built = {}
    for name, entry in orders.orders.items():
        codings = tuple({"system": LOINC, "code": code} for code in entry.loinc)
        built[name] = Order(name, entry.label.as_dict(), entry.measures, codings, entry.category)
    return built


def build_key_plan(plan: KeyPlanFile, observations: ObservationsFile) -> tuple[KeyPlanEntry, ...]:
    """The prefetch keys with their queries filled in. Raises VocabularyError for a key without codes, a concept with an
    unknown key, or a query of 900 or more characters once `|` and `,` are percent-encoded."""
    clash = Clash()
    asked: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for name, concept in observations.concepts.items():
        if concept.key is None:
            continue
        if concept.key not in plan.keys:
            clash.add(
                OBSERVATIONS, ("concepts", name, "key"), f"no prefetch key {concept.key}", "name one of key_plan.yaml"
            )
        members.setdefault(concept.key, []).append(name)
        asked.setdefault(concept.key, []).extend(f"{LOINC}|{code.loinc}" for code in concept.codes if code.ask)
    entries = []
    for key, entry in plan.keys.items():
        query = entry.query.replace("{codes}", ",".join(asked.get(key, ())))
        if ("{codes}" in entry.query) != (key in asked):
            clash.add(
                KEY_PLAN,
                ("keys", key, "query"),
                "the query and the concepts disagree",
                "use {codes} where concepts name the key",
            )
        length = len(query) + 2 * (query.count("|") + query.count(","))
        if length >= MAX_TEMPLATE:
            clash.add(
                KEY_PLAN,
                ("keys", key, "query"),
                f"{length} characters when encoded",
                "ask for fewer codes (`ask: false`)",
            )
        concepts = tuple(members.get(key, ()))
        hooks: dict[str, Requirement] = {str(hook): need for hook, need in entry.hooks.items()}
        entries.append(KeyPlanEntry(key, query, hooks, entry.why.as_dict(), entry.resource, concepts))
    clash.check()
    return tuple(entries)
