"""Finding whole terms in text, building an index once per vocabulary, and remembering what recurs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from cds_service.facts.vocabulary import Vocabulary, words_of
from cds_service.fhir.datatypes import Coding

Built = TypeVar("Built")
Meaning = TypeVar("Meaning")
Told = TypeVar("Told")

LONGEST_TEXT = 120  # characters of a name or a usual instruction
LONGEST_CONCEPT = 1000  # characters of codes with their systems and names, and of the text
_KEPT = 64
_REMEMBERED = 8192


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

    def found_in(self, words: Sequence[str]) -> list[tuple[int, int, tuple[Meaning, ...]]]:
        """Every term in the text from left to right: where it begins, the word after it, and what it means."""
        found = []
        start = 0
        while start < len(words):
            length, meanings = self.at(words, start)
            if length:
                found.append((start, start + length, meanings))
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


def remember_texts(read: Callable[[str], Told]) -> Callable[[str], Told]:
    """`read`, with its last answers kept: the same few texts recur. A long one is read anew each time: it was written
    about one patient, perhaps with a name in it, and is gone with the call."""
    known = lru_cache(maxsize=_REMEMBERED)(read)
    return lambda text: known(text) if len(text) <= LONGEST_TEXT else read(text)


def remember_short(read: Callable[..., Told]) -> Callable[..., Told]:
    """The same for several texts, or bytes, that are short together."""
    known = lru_cache(maxsize=_REMEMBERED)(read)
    return lambda *sent: known(*sent) if sum(map(len, sent)) <= LONGEST_CONCEPT else read(*sent)


def remember_concepts(read: Callable[[tuple[Coding, ...], str], Told]) -> Callable[[tuple[Coding, ...], str], Told]:
    """The same for codes and their text."""
    known = lru_cache(maxsize=_REMEMBERED)(read)

    def of(codings: tuple[Coding, ...], text: str) -> Told:
        size = len(text)
        for coding in codings:
            size += len(coding.system) + len(coding.code) + len(coding.display)
        usual = size <= LONGEST_CONCEPT and len(text) <= LONGEST_TEXT
        return known(codings, text) if usual else read(codings, text)

    return of
