"""The shapes of the value sets and the other clinical tables in cards/_shared."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from cds_service.knowledge.file_model import Bilingual, FileModel, Hook, Id, Number, Sentence, Span
from cds_service.knowledge.model import Provenance, Requirement

KeyName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z]*$")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
Atc = Annotated[str, Field(pattern=r"^[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?$")]
Codes = tuple[Code, ...]


class Interval(FileModel):
    """Two numbers, both included."""

    low: Number = Field(alias="from")
    high: Number = Field(alias="to")
    provenance: Provenance

    @property
    def pair(self) -> tuple[Decimal, Decimal]:
        """Lower and upper end."""
        return self.low, self.high


class SubstanceEntry(FileModel):
    """Molar mass in g/mol and valence."""

    molar_mass: Number
    valence: int | None = None
    provenance: Provenance


class RangeCheckEntry(FileModel):
    """Bounds beyond which a printed reference range contradicts `unit`."""

    unit: Sentence
    low_above: Number | None = None
    low_below: Number | None = None
    high_above: Number | None = None
    high_below: Number | None = None
    provenance: Provenance


class MeasurementCode(FileModel):
    """One LOINC code; `ask: false` keeps it out of the prefetch query; `method`: the formula it was computed by."""

    loinc: Code
    property: Literal["mass", "molar"] | None = None
    ask: bool = True
    method: Id | None = None


class CodedValue(FileModel):
    """A coded answer and the number it stands for."""

    snomed: Code | None = None
    loinc: Code | None = None
    value: Number = Field(alias="is")


class ConceptEntry(FileModel):
    """One concept of measurement."""

    label: Bilingual
    unit: str
    decimals: int
    key: KeyName | None = None
    age: Id
    substance: SubstanceEntry | None = None
    plausible: Interval | None = None
    range_checks: tuple[RangeCheckEntry, ...] = ()
    haemolysis_raises: bool = False
    coded_values: tuple[CodedValue, ...] = ()
    first_code_first: bool = False
    codes: tuple[MeasurementCode, ...]


class ObservationsFile(FileModel):
    """valuesets/observations.yaml."""

    concepts: dict[Id, ConceptEntry]


class AgePolicyEntry(FileModel):
    """How long a result of one kind may be used."""

    fresh: Span
    recent: Span
    stale: Span | None = None
    fresh_inpatient: Span | None = None
    provenance: Provenance


class AgePoliciesFile(FileModel):
    """age_policies.yaml."""

    policies: dict[Id, AgePolicyEntry]


class DrugGroupEntry(FileModel):
    """One drug group and the ATC codes that imply it; `sources`: the bibliography entry of each of its ingredients."""

    label: Bilingual
    atc_below: tuple[Atc, ...] = ()
    atc: tuple[Atc, ...] = ()
    sources: dict[Id, Id] = {}


class DrugCodes(FileModel):
    """Codes of an ingredient."""

    rxnorm: Codes = ()
    snomed: Codes = ()
    unii: Codes = ()


class IngredientEntry(FileModel):
    """One ingredient; `combined`: its codes stand for its combinations too, whose names tell what else is in them."""

    label: Bilingual
    groups: tuple[Id, ...] = ()
    names: tuple[Sentence, ...] = ()
    atc: tuple[Atc, ...] = ()
    codes: DrugCodes = DrugCodes()
    element: str | None = None
    elemental_percent: Interval | None = None
    combined: bool = False


class AtcClassEntry(FileModel):
    """The ingredients of an ATC code."""

    atc: Atc
    ingredients: tuple[Id, ...]


class NamedDrugs(FileModel):
    """Drugs known by name alone: English name -> other names, Dutch first."""

    groups: tuple[Id, ...] = ()
    names: dict[Sentence, tuple[Sentence, ...]]


class RouteCodes(FileModel):
    """Codes of one route."""

    snomed: Codes = ()
    edqm: Codes = ()


class UsualRoute(FileModel):
    """The route of products below these ATC codes when none is recorded."""

    atc_below: tuple[Atc, ...]
    route: Id


class RoutesEntry(FileModel):
    """How routes are coded and worded."""

    codes: dict[Id, RouteCodes]
    words: dict[Id, tuple[Sentence, ...]]
    usual: tuple[UsualRoute, ...]


class DrugsFile(FileModel):
    """valuesets/drugs.yaml."""

    groups: dict[Id, DrugGroupEntry]
    ingredients: dict[Id, IngredientEntry]
    classes: tuple[AtcClassEntry, ...]
    products: dict[Sentence, tuple[Id, ...]]
    named: tuple[NamedDrugs, ...]
    routes: RoutesEntry


class ProblemGroupEntry(FileModel):
    """One group of conditions or procedures."""

    label: Bilingual
    snomed: Codes = ()
    icd: Codes = ()
    icd_below: Codes = ()
    who: Codes = ()
    who_below: Codes = ()
    cm: Codes = ()
    cm_below: Codes = ()
    icpc: Codes = ()
    terms: tuple[Sentence, ...] = ()
    also: tuple[Id, ...] = ()
    gives: Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$")] | None = None


class ConditionsFile(FileModel):
    """valuesets/conditions.yaml."""

    conditions: dict[Id, ProblemGroupEntry]
    procedures: dict[Id, ProblemGroupEntry]


class OrderCodes(FileModel):
    """The same test as other laboratories code it."""

    loinc: Codes = ()
    snomed: Codes = ()


class OrderEntry(FileModel):
    """What one suggestion orders."""

    label: Bilingual
    measures: tuple[Id, ...]
    loinc: Codes
    alternatives: OrderCodes = OrderCodes()
    category: Literal["laboratory", "procedure"]


class PanelEntry(FileModel):
    """One code that orders several concepts."""

    loinc: Code
    measures: tuple[Id, ...]


class OrdersFile(FileModel):
    """orders.yaml."""

    orders: dict[Id, OrderEntry]
    panels: tuple[PanelEntry, ...] = ()


class KeyEntry(FileModel):
    """One prefetch key; `{codes}` in the query stands for the codes of its concepts."""

    resource: Sentence
    query: Sentence
    hooks: dict[Hook, Requirement]
    why: Bilingual


class KeyPlanFile(FileModel):
    """key_plan.yaml."""

    keys: dict[KeyName, KeyEntry]


class OverrideReasonsFile(FileModel):
    """override_reasons.yaml."""

    reasons: dict[Id, Bilingual]
