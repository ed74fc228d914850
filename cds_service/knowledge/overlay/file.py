"""The shape of an overlay: one YAML file per tenant (docs/overlay.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from cds_service.facts.moments import read_zone
from cds_service.knowledge.file_model import FileModel, Id, Number, Sentence
from cds_service.knowledge.value_set_files import KeyName

SETTINGS = ("gp", "hospital", "pharmacy")


def _text(value: Any) -> Any:
    """A code of digits alone need not be quoted."""
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


CodeText = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Pattern = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*(-\*)?$")]
Audience = Literal[
    "gp", "hospital", "pharmacy",
    "AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR",
]  # fmt: skip


def _zone(value: str) -> str:
    return read_zone(value).key


class RangeEntry(FileModel):
    """The interval a laboratory uses for adults, in a unit of its own."""

    low: Number | None = None
    high: Number | None = None
    unit: Sentence

    @model_validator(mode="after")
    def _is_an_interval(self) -> RangeEntry:
        if self.low is None and self.high is None:
            raise ValueError("needs low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low is not below high")
        return self


class LabCodeEntry(FileModel):
    """One local code of a measurement. unit: what the laboratory means when a result carries none. ask: whether the
    prefetch queries name it."""

    system: Sentence
    code: CodeText
    concept: Id
    unit: Sentence | None = None
    ask: bool = True


class DrugCodeEntry(FileModel):
    """One local code of a product: the ingredients it contains, its ATC codes, or both."""

    system: Sentence
    code: CodeText
    ingredients: tuple[Id, ...] = ()
    atc: tuple[Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$")], ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> DrugCodeEntry:
        if not self.ingredients and not self.atc:
            raise ValueError("needs ingredients, atc or both")
        return self


class CodeEntry(FileModel):
    """One code of a system."""

    system: Sentence
    code: CodeText


class AdditionEntry(FileModel):
    """Codes that a site adds to a group: written out, or taken from a file with the result of a ValueSet $expand."""

    codes: tuple[CodeEntry, ...] = ()
    expand: Sentence | None = None


class ValueSetsEntry(FileModel):
    """Additions by group."""

    conditions: dict[Id, AdditionEntry] = {}
    drugs: dict[Id, AdditionEntry] = {}


class OrderableEntry(FileModel):
    """The coding under which an EHR orders something."""

    system: Sentence
    code: CodeText
    display: Sentence | None = None


class DecisionEntry(FileModel):
    """Who decided for the site, and why."""

    reason: Sentence
    signed_by: Sentence


class QtListFile(FileModel):
    """A site's licensed list of drugs that prolong the QT interval: ingredients by id or name, ATC codes of level 5."""

    source: Sentence
    ingredients: tuple[Sentence, ...] = ()
    atc: tuple[Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$")], ...] = ()


class OverlayFile(FileModel):
    """An overlay as written. A member that is absent leaves the knowledge and the deployment's settings as they are."""

    tenant: Id | None = None
    setting: Literal["gp", "hospital", "pharmacy"] | None = None
    limits: dict[str, Number] = {}
    off: tuple[Pattern, ...] = ()
    silent: tuple[Pattern, ...] | bool = ()
    live: dict[Id, DecisionEntry] = {}
    covered_by_other_cds: dict[Pattern, Sentence] = {}
    audience: dict[Pattern, Annotated[tuple[Audience, ...], Field(min_length=1)]] = {}
    laboratory_ranges: dict[Id, RangeEntry] = {}
    lab_codes: tuple[LabCodeEntry, ...] = ()
    loinc_too: bool = True
    drug_codes: tuple[DrugCodeEntry, ...] = ()
    drug_map: Sentence | None = None
    value_sets: ValueSetsEntry = ValueSetsEntry()
    qt_list: Sentence | None = None
    orderables: dict[Id, OrderableEntry] = {}
    orderables_required: bool = False
    languages: Annotated[tuple[Literal["nl", "en"], ...], Field(min_length=1)] | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    absent_sources: tuple[KeyName, ...] | None = None
    icu_locations: tuple[Sentence, ...] | None = None
    admit_unknown_status: bool | None = None
