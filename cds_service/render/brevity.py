"""A summary that would be too long says less of the finding, never of what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from cds_service.facts.outcomes import Listing, Phrase, Value
from cds_service.facts.records import Exposure
from cds_service.facts.vocabulary import Vocabulary

_STRENGTH = re.compile(r"\s+\d.*")
ACTION = " – "  # stands before what to do


def with_short_names(values: Mapping[str, Value], vocabulary: Vocabulary, language: str) -> dict[str, Value]:
    """The values of a text with drugs named by their ingredients instead of as products."""
    return {name: _shorter(value, vocabulary, language) for name, value in values.items()}


def _shorter(value: Value, vocabulary: Vocabulary, language: str) -> Value:
    if type(value) is Exposure:
        short = _short_name(value, vocabulary, language)
        return msgspec.structs.replace(value, name=short) if len(short) < len(value.name) else value
    if type(value) is Phrase:
        return Phrase(value.id, with_short_names(value.values, vocabulary, language))
    if type(value) is Listing:
        return msgspec.structs.replace(value, items=tuple([_shorter(one, vocabulary, language) for one in value.items]))
    return value


def _short_name(drug: Exposure, vocabulary: Vocabulary, language: str) -> str:
    known = [vocabulary.drugs[name].label[language] for name in sorted(drug.ingredients) if name in vocabulary.drugs]
    return "/".join(known) if known else _STRENGTH.sub("", drug.name)


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` characters, cut between words; what follows the last dash is kept if it can be."""
    if len(text) <= limit:
        return text
    finding, dash, action = text.rpartition(ACTION)
    room = limit - len(dash) - len(action) - 1
    if dash and room > limit // 4:
        return f"{_words(finding, room)}…{dash}{action}"
    return f"{_words(text, limit - 1)}…"


def _words(text: str, limit: int) -> str:
    """So many whole words as fit."""
    kept = text[: limit + 1].rpartition(" ")[0]
    return kept.rstrip(" ,;:–(") or text[:limit]
