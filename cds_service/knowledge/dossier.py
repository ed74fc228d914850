"""cards/_dossier: what a clinical board reads beside the rules: claims and their verdicts, hazards, open questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal, Self, TypeVar

import msgspec
from pydantic import BaseModel, Field, model_validator

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.file_model import Bilingual, FileModel, Id, Sentence
from cds_service.knowledge.sources import Source, Sources, read_source

Model = TypeVar("Model", bound=BaseModel)
Ids = tuple[Id, ...]
Level = Literal["low", "medium", "high"]
ClaimVerdict = Literal["supported", "partly", "contested", "unsupported", "wrong"]


class ClaimEntry(FileModel):
    """One claim of the texts that the project started from, what is true of it, and the rules that act on that."""

    number: int
    seeds: tuple[Annotated[int, Field(ge=0, le=4)], ...]
    claim: Bilingual
    verdict: ClaimVerdict
    finding: Bilingual
    rules: Ids = ()
    reason: Bilingual | None = None

    @model_validator(mode="after")
    def _settled(self) -> Self:
        if not self.rules and self.reason is None:
            raise ValueError("has neither a rule that acts on it nor a reason why none does")
        return self


class ClaimsFile(FileModel):
    """seed_claims.yaml."""

    claims: tuple[ClaimEntry, ...]


class HazardEntry(FileModel):
    """One way in which the advice can harm: what leads to it, what holds it back, what is left.

    Controls by name: rules, gates and families of cards/, tests as `<file below tests/>::<function>`, and in words what
    the manufacturer or the site has to do.
    """

    id: Annotated[str, Field(pattern=r"^HZ-[0-9]{2}$")]
    hazard: Sentence
    cause: Sentence
    harm: Sentence
    severity: Level
    likelihood_before: Level
    likelihood_after: Level
    rules: Ids = ()
    gates: Ids = ()
    families: Ids = ()
    tests: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z_/]+\.py::test_\w+$")], ...], Field(min_length=1)]
    site: tuple[Sentence, ...] = ()
    residual: Sentence


class HazardsFile(FileModel):
    """hazards.yaml."""

    hazards: tuple[HazardEntry, ...]


class QuestionEntry(FileModel):
    """Something on which experts differ or that nobody has checked; `now`: what the rules do until it is answered."""

    id: Id
    question: Sentence
    now: Sentence
    risk: Level
    rules: Ids = ()


class QuestionsFile(FileModel):
    """open_questions.yaml."""

    questions: tuple[QuestionEntry, ...]


class Dossier(msgspec.Struct, frozen=True):
    """All three files with their lines; None where cards/ has no such file."""

    claims: Source[ClaimsFile] | None
    hazards: Source[HazardsFile] | None
    questions: Source[QuestionsFile] | None


def read_dossier(sources: Sources) -> Dossier:
    """The dossier of cards/. Raises KnowledgeError with every finding, names that do not exist included."""
    findings: list[Finding] = []
    dossier = Dossier(
        _read(sources, "seed_claims.yaml", ClaimsFile, findings),
        _read(sources, "hazards.yaml", HazardsFile, findings),
        _read(sources, "open_questions.yaml", QuestionsFile, findings),
    )
    findings += list(_unknown_names(sources, dossier))
    if findings:
        raise KnowledgeError(tuple(findings))
    return dossier


def _read(sources: Sources, name: str, model: type[Model], findings: list[Finding]) -> Source[Model] | None:
    path = sources.cards_dir / "_dossier" / name
    if not path.exists():
        return None
    source, wrong = read_source(path, sources.shown(path), model)
    findings += wrong
    return source


def _unknown_names(sources: Sources, dossier: Dossier) -> Iterator[Finding]:
    """Rules, gates and families that do not exist (a planned rule may be named beside a reason), and doubled ids."""
    rules = {source.entry.id for source in sources.rules}
    families = {source.entry.id for source in sources.families}
    gates = {source.entry.id for source in sources.families if source.entry.kind == "gate"}
    planned = set(sources.policy.entry.planned) if sources.policy else set()
    if dossier.claims:
        for index, claim in enumerate(dossier.claims.entry.claims):
            known = rules | planned if claim.reason else rules
            yield from _missing(dossier.claims, ("claims", index), claim.rules, known, "rule")
        yield from _twice(dossier.claims, [str(claim.number) for claim in dossier.claims.entry.claims])
    if dossier.hazards:
        for index, hazard in enumerate(dossier.hazards.entry.hazards):
            at = ("hazards", index)
            yield from _missing(dossier.hazards, at, hazard.rules, rules, "rule")
            yield from _missing(dossier.hazards, at, hazard.gates, gates, "gate")
            yield from _missing(dossier.hazards, at, hazard.families, families, "family")
        yield from _twice(dossier.hazards, [hazard.id for hazard in dossier.hazards.entry.hazards])
    if dossier.questions:
        for index, question in enumerate(dossier.questions.entry.questions):
            yield from _missing(dossier.questions, ("questions", index), question.rules, rules | planned, "rule")
        yield from _twice(dossier.questions, [question.id for question in dossier.questions.entry.questions])


def _missing(
    source: Source[Model], at: tuple[str | int, ...], named: Ids, known: set[str], kind: str
) -> Iterator[Finding]:
    for name in named:
        if name not in known:
            yield source.finding("dossier", f"there is no {kind} {name}", "correct the name, or say why none", *at)


def _twice(source: Source[Model], ids: list[str]) -> Iterator[Finding]:
    for name, count in Counter(ids).items():
        if count > 1:
            yield source.finding("dossier", f"{name} stands there {count} times", "number them anew")
