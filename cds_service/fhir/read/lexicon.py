"""Words and terms: finding whole terms in text, and building an index once per vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from cds_service.facts.vocabulary import Vocabulary

Built = TypeVar("Built")
Meaning = TypeVar("Meaning")

_WORD = re.compile(r"[^\W_]+")
_KEPT = 64


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without diacritics and punctuation."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text.lower())


class Terms(Generic[Meaning]):
    """Terms of one or more whole words, each with one or more meanings; found longest first, not overlapping."""

    def __init__(self, pairs: Iterable[tuple[str, Meaning]]) -> None:
        self._meanings: dict[tuple[str, ...], tuple[Meaning, ...]] = {}
        self._lengths: dict[str, list[int]] = {}
        for term, meaning in pairs:
            words = tuple(words_of(term))
            if not words:
                continue
            known = self._meanings.get(words, ())
            if meaning not in known:
                self._meanings[words] = (*known, meaning)
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
                lengths.sort(reverse=True)

    def at(self, words: Sequence[str], start: int) -> tuple[int, tuple[Meaning, ...]]:
        """The longest term that begins at `start`: its number of words and what it means; (0, ()) when none does."""
        for length in self._lengths.get(words[start], ()):
            meanings = self._meanings.get(tuple(words[start : start + length]))
            if meanings is not None and start + length <= len(words):
                return length, meanings
        return 0, ()

    def found_in(self, words: Sequence[str]) -> list[tuple[int, tuple[Meaning, ...]]]:
        """Every term in the text from left to right: the position of its first word and what it means."""
        found = []
        start = 0
        while start < len(words):
            length, meanings = self.at(words, start)
            if length:
                found.append((start, meanings))
            start += length or 1
        return found


def without_final_e(names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names as German has them: `morphin`, `topiramat`; none that is a name already."""
    known = dict(names)
    shorter = ((name[:-1], i) for name, i in known.items() if name.isalpha() and name.endswith("e") and len(name) > 6)
    return [(name, ingredient) for name, ingredient in shorter if name not in known]


def per_vocabulary(build: Callable[[Vocabulary], Built]) -> Callable[[Vocabulary], Built]:
    """Make `build` remember what it built for each vocabulary object (for the last 64 of them)."""
    # A vocabulary is not hashable. Keeping it beside the result keeps its identity from being given to another object.
    kept: dict[int, tuple[Vocabulary, Built]] = {}

    def of(vocabulary: Vocabulary) -> Built:
        found = kept.get(id(vocabulary))
        if found is not None and found[0] is vocabulary:
            return found[1]
        built = build(vocabulary)
        while len(kept) >= _KEPT:
            kept.pop(next(iter(kept), 0), None)
        kept[id(vocabulary)] = (vocabulary, built)
        return built

    return of
