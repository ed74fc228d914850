"""Checks one YAML document against a pydantic model and turns every error into a finding with a line and a remedy."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cds_service.errors import Finding
from cds_service.knowledge.yaml_strict import Document

FORMAT = "docs/knowledge-format.md"
_IN_WORDS = {
    "is_instance_of": "must be a number, with a point where there are decimals",
    "tuple_type": "must be a list: [...]",
    "string_type": "must be text: put it in quotes",
    "bool_type": "must be true or false",
}
"""What pydantic says in words of Python, by its kinds of error."""
_SPAN = re.compile(r"([0-9]{1,4}) (h|d)")
ID = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class FileModel(BaseModel):
    """Base of everything written in cards/: unknown members refused, no conversions, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date written as YYYY-MM-DD") from None


def _span(value: Any) -> Any:
    """`8 h` or `14 d` as a timedelta."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a span of hours or days such as `8 h` or `14 d`")
    return timedelta(hours=int(found[1])) if found[2] == "h" else timedelta(days=int(found[1]))


Number = Annotated[Decimal, BeforeValidator(_number)]
IsoDate = Annotated[date, BeforeValidator(_date)]
Span = Annotated[timedelta, BeforeValidator(_span)]
Hook = Literal[
    "patient-view", "encounter-start", "order-select", "order-sign", "encounter-discharge", "medication-refill"
]
Id = Annotated[str, Field(pattern=ID)]
Sentence = Annotated[str, Field(min_length=1)]


class Bilingual(FileModel):
    """A text in both languages."""

    nl: Sentence
    en: Sentence

    def as_dict(self) -> dict[str, str]:
        """Language -> text."""
        return {"nl": self.nl, "en": self.en}


Model = TypeVar("Model", bound=BaseModel)


def read_model(
    document: Document, model: type[Model], *inside: str, guide: str = FORMAT
) -> tuple[Model | None, list[Finding]]:
    """The document (or the part `inside` it) as `model`, or all that is wrong with it. guide: what to read then."""
    data = document.data
    for step in inside:
        data = data[step]
    if not isinstance(data, dict):
        return None, [document.finding(inside, "the file is empty or not a mapping", f"see {guide}")]
    try:
        return model.model_validate(_freeze(data)), []
    except ValidationError as refused:
        errors = refused.errors(include_url=False)
        return None, [_finding(document, model, inside, dict(error), guide) for error in errors]


def _freeze(data: Any) -> Any:
    """Lists become tuples, which is what the frozen models hold."""
    kind = type(data)
    if kind is dict:
        return {key: value if type(value) is str else _freeze(value) for key, value in data.items()}
    if kind is list:
        return tuple([_freeze(value) for value in data])
    return data


def _finding(
    document: Document, model: type[BaseModel], inside: tuple[str, ...], error: dict[str, Any], guide: str
) -> Finding:
    path = (*inside, *error["loc"])
    where = ".".join(str(step) for step in path) or "the file"
    kind = error["type"]
    if kind == "extra_forbidden":
        name = str(path[-1])
        near = get_close_matches(name, list(_members(model)), n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"remove it, or see {guide}"
        return document.finding(path, f"unknown member {where!r}", remedy)
    if kind == "missing":
        return document.finding(path, f"{where} is missing", f"add it, see {guide}")
    message = _IN_WORDS.get(kind, str(error["msg"]).removeprefix("Value error, "))
    if error.get("ctx", {}).get("pattern") == ID:
        message = "must be words in lower case, joined by hyphens"
    return document.finding(path, f"{where}: {message[0].lower()}{message[1:]}", "correct the value")


def _members(model: type[BaseModel]) -> set[str]:
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not model:
                found |= _members(inner)
    return found
