"""The shape of cases.yaml: situations in shorthand and what the rule must make of them (docs/knowledge-format.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.file_model import FORMAT, FileModel, Hook, Number, read_model
from cds_service.knowledge.sources import Source, Sources
from cds_service.knowledge.yaml_strict import load_yaml

SILENT = ("satisfied", "cannot-tell", "not-applicable", "gated")


def _shorthand(value: Any) -> Any:
    return {"is": value} if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class PersonEntry(FileModel):
    """The patient. `age` in years or as a text in days (`3 d`); `birth` instead of age for partial dates."""

    age: int | str | None = None
    birth: str | None = None
    sex: Literal["male", "female", "other", "unknown"] | None = None
    pregnant: bool = False
    deceased: bool = False


class LabEntry(FileModel):
    """One Observation: `<concept> <value> <unit> <offset>`."""

    what: str = Field(alias="is")
    status: str = "final"
    note: str | None = None
    range: tuple[Number | None, Number | None] | None = None
    code: str | None = None
    interpretation: str | None = None
    specimen: str | None = None
    issued: str | None = None


class DrugEntry(FileModel):
    """One drug: `<drug> <offset of its start>`; a draft has no offset. `name`: the display text, when it matters."""

    what: str = Field(alias="is")
    name: str | None = None
    dose: str | None = None
    times: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    route: str | None = None
    prn: bool = False
    status: str = "active"
    end: str | None = None
    as_: Literal["order", "statement", "procedure"] = Field("order", alias="as")
    select: bool = True
    code: str | None = None
    reason: str | None = None
    otc: bool = False


class ProblemEntry(FileModel):
    """A condition or procedure: `<group or free text> [<offset>]`."""

    what: str = Field(alias="is")
    status: str | None = None
    verification: str | None = None
    code: str | None = None
    encounter: bool = False
    end: str | None = None


Labs = tuple[Annotated[LabEntry, BeforeValidator(_shorthand)], ...]
Drugs = tuple[Annotated[DrugEntry, BeforeValidator(_shorthand)], ...]
Problems = tuple[Annotated[ProblemEntry, BeforeValidator(_shorthand)], ...]


class CaseEntry(FileModel):
    """One situation, the expected outcome `then` (a variant or a silent kind), and for some what exactly."""

    name: str
    hook: Hook = "patient-view"
    patient: PersonEntry = PersonEntry()
    encounter: str | None = None
    admitted: str | None = None
    labs: Labs = ()
    drugs: Drugs = ()
    drafts: Drugs = ()
    conditions: Problems = ()
    procedures: Problems = ()
    ordered: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    settings: dict[str, tuple[str, ...]] = {}
    then: str
    indicator: Literal["info", "warning", "critical"] | None = None
    missing: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()

    @property
    def fires(self) -> bool:
        """Whether a card is expected."""
        return self.then not in SILENT


class CaseFile(FileModel):
    """One cases.yaml, after `defaults` went into every case that does not set the member itself."""

    cases: Annotated[tuple[CaseEntry, ...], Field(min_length=1)]


def read_cases(sources: Sources, folder_name: str) -> Source[CaseFile]:
    """The cases of one rule folder. Raises KnowledgeError with every finding."""
    path = sources.cards_dir / folder_name / "cases.yaml"
    document = load_yaml(path, sources.shown(path))
    data = document.data
    if isinstance(data, dict) and isinstance(data.get("cases"), list):
        if not isinstance(data.get("defaults", {}), dict):
            raise KnowledgeError((document.finding(("defaults",), "defaults is not a mapping", f"see {FORMAT}"),))
        defaults = data.pop("defaults", {})
        for case in data["cases"]:
            if isinstance(case, dict):
                for name, value in defaults.items():
                    case.setdefault(name, value)
    cases, findings = read_model(document, CaseFile)
    if cases is not None:
        findings += _same_names(document.file, cases)
    if cases is None or findings:
        raise KnowledgeError(tuple(findings))
    return Source(path, document, cases)


def _same_names(file: str, cases: CaseFile) -> list[Finding]:
    names = [case.name for case in cases.cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [Finding(file, 1, "cases", f"two cases are named {name!r}", "give each its own name") for name in twice]
