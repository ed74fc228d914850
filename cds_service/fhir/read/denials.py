"""What the words around a term say of it: that it is not this patient's or not now, or that it is only suspected.

A denial ends with its clause: at a full stop, semicolon, comma, line end or dash, and at words such as "but". Two lists
are denied as a whole: one that ends in "or" ("no seizures, syncope or palpitations") and one after "denies" or after a
colon ("negative: seizures, syncope"). Of any other list only the first item is: to lose "heart failure" from "no
complications, heart failure" is worse than to read a complaint too many.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cds_service.facts.vocabulary import normal_name, words_of

_DUTCH_DENIALS = frozenset({"geen", "niet", "zonder", "ontkent", "nooit"})
_DENIALS = _DUTCH_DENIALS | {
    "no", "not", "without", "never", "neither", "denies", "denied", "excluded", "noch", "uitgesloten",
    "family", "mother", "father", "brother", "sister", "parents", "grandmother", "grandfather",
    "familie", "familieanamnese", "belast", "belaste", "moeder", "vader", "broer", "zus", "ouders", "oma", "opa",
}  # fmt: skip
_VERBS = frozenset({"denies", "ontkent"})  # who denies the first complaint of a list denies them all
_OF_RISK = frozenset({"of", "for", "op", "van", "voor"})
_DENIAL_WITH_NEXT = {  # "risk of refeeding" is none, a high-risk pregnancy is a pregnancy
    "risk": _OF_RISK, "risico": _OF_RISK, "kans": _OF_RISK, "negative": _OF_RISK, "negatief": _OF_RISK,
    "screening": _OF_RISK | {"naar"}, "ruled": frozenset({"out"}),
}  # fmt: skip
_DENIALS_OF_THE_NEXT_WORD = frozenset(
    {
        "former", "formerly", "ex", "planned", "refuses", "resolved", "abstinent",
        "voormalig", "voormalige", "gepland", "geplande", "weigert",
    }
)  # fmt: skip
_NEGATIVE = frozenset({"negative", "negatief", "negatieve"})  # first in its clause: a Gram-negative sepsis is a sepsis
_ENDS = frozenset(  # what comes after one of these is not what was denied before it
    {
        "but", "however", "except", "despite", "due", "because", "since", "complication", "complications", "controlled",
        "treated", "smoker", "improvement", "change", "increase", "resuscitate", "resuscitation", "cpr",
        "maar", "wel", "echter", "behalve", "ondanks", "door", "wegens", "vanwege", "ivm", "bij", "sinds",
        "complicatie", "complicaties", "gereguleerde", "behandelde", "verbetering", "verandering", "toename",
        "gerookt", "reanimeren", "reanimatie",
    }
)  # fmt: skip
_OR = frozenset({"or", "nor", "noch"})
_DUTCH_OR = _OR | {"of"}
_UNCOUNTED = _DUTCH_OR | {"a", "an", "any", "the", "een", "enige", "de", "het", "van"}
_REACH, _LIST_REACH = 3, 30  # words that are counted
_ITEM_LENGTH = 3  # words of an item of a list

_RELATIVE = "mother|father|brother|sister|family|moeder|vader|broer|zus|familie"
_DENIED_AFTER = re.compile(
    r"(is |was |has been |currently )?(ruled out|excluded|denied|negative|absent|unlikely|resolved|abstinent|free"
    r"|uitgesloten|ontkend|negatief|afwezig|onwaarschijnlijk|genezen|hersteld|genormaliseerd|opgelost)\b"
    r"|in ((full|complete|early|sustained|volledige) )?remissi(on|e)\b"
    rf"|((in|bij|of|van) )?((the|his|her|de|zijn|haar) )?({_RELATIVE})$|(risk|risico|no|none|never|nee|geen|nooit)$"
)
_LONGEST_AFTER = 5
_ALONE = re.compile(r"$| (after|at|by|in|on|since|with|bij|door|met|na|op|sinds|\d)")
_MAY_DENY = _DENIALS | _DENIAL_WITH_NEXT.keys() | _DENIALS_OF_THE_NEXT_WORD | _NEGATIVE | {
    "absent", "unlikely", "free", "remission", "none",
    "ontkend", "afwezig", "onwaarschijnlijk", "genezen", "hersteld", "genormaliseerd", "opgelost", "remissie", "nee",
}  # fmt: skip

_BREAK = re.compile(r"[;!\r\n|•]+|(?<=\w{4})\.(?=\s)|\.(?=\s+[A-Z0-9])|\s[-–—]+\s")  # not after "asp." or "e.c.i."
_ADJECTIVE = re.compile(r"\b(niet|not)-(?=\w)", re.IGNORECASE)  # "niet-oligurisch" denies no kidney injury
_DOUBT = re.compile(
    r"\b(suspected|suspicion|susp|possible|probable|likely|presumed|query|rule out|r o|cave|dd(?! \d)|ddx"
    r"|(not|cannot) (be )?(ruled out|excluded)|verdacht|verdenking|v a|mogelijke?|vermoedelijke?|waarschijnlijke?"
    r"|niet (worden )?uitgesloten|niet uit te sluiten)\b"
)

_PAST = re.compile(
    r"\W*((past |medical )*history|h/o|hx|pmh|previous|prior|past|former|voorgeschiedenis|vg|eerdere?|vroegere?)\b",
    re.IGNORECASE,
)
_PAST_AFTER = re.compile(r"\bin (the past|(de )?voorgeschiedenis|vg|het verleden)\W*$", re.IGNORECASE)
_PERHAPS_NOW = re.compile(  # "history of diarrhoea since Monday", "history of present illness"
    r"\d|\b(present|current|new|today|tonight|yesterday|this|since|for|days?|weeks?|recurrent"
    r"|actuele?|nieuwe?|nu|vandaag|van(nacht|ochtend|morgen|middag|avond)|gisteren|sinds|dag(en)?|we(ek|ken)|recidiverende?)\b",
    re.IGNORECASE,
)
_MORE_THAN_ONE = re.compile(r"[,;!\r\n]")


class _Clause(NamedTuple):
    start: int
    end: int
    is_list: bool


class Denials:
    """What a text denies, asked by the place of a term among its words (those of `words_of`)."""

    def __init__(self, text: str, words: Sequence[str]) -> None:
        self._clauses: list[_Clause] = []
        if not _MAY_DENY.isdisjoint(words):
            text = _ADJECTIVE.sub("non-", text)
            self._words = words_of(text)
            self._clauses.extend(_clauses(text))

    def cover(self, start: int, end: int) -> bool:
        """Whether the term in words[start:end] is denied before it or after it."""
        return bool(self._clauses) and (self._before(start) or self._after(end))

    def _before(self, start: int) -> bool:
        words, clause = self._words, self._clauses[self._clause_at(start)]
        is_list = clause.is_list or words[start - 1] in _DUTCH_OR
        reach = _LIST_REACH if is_list else _REACH
        counted = 0
        for at in range(start - 1, clause.start - 1, -1):
            word, adjacent = words[at], at + 1 == start
            is_first = at == clause.start and (adjacent or clause.is_list)
            if word in _ENDS or counted == reach:
                return False
            if (
                word in _DENIALS
                or words[at + 1] in _DENIAL_WITH_NEXT.get(word, ())
                or (adjacent and word in _DENIALS_OF_THE_NEXT_WORD)
                or (is_first and word in _NEGATIVE)
            ):
                return True
            counted += word not in _UNCOUNTED
        return False

    def _after(self, end: int) -> bool:
        """In the term's own clause, else as all that the next one says: "alcohol dependence, in remission"."""
        if end == len(self._words):
            return False
        clause = self._clauses[self._clause_at(end)]
        said = " ".join(self._words[end : min(clause.end, end + _LONGEST_AFTER)])
        found = _DENIED_AFTER.match(said)
        return found is not None and (end > clause.start or _ALONE.match(said, found.end()) is not None)

    def _clause_at(self, place: int) -> int:
        return bisect_right(self._clauses, place, key=lambda clause: clause.end)


def is_doubted(name: str) -> bool:
    """Whether a text calls a diagnosis suspected; one of two in a text is enough."""
    return "?" in name or _DOUBT.search(normal_name(name)) is not None


def is_past(name: str) -> bool:
    """Whether a text says of its problem that it was once: "history of seizures". When it was recorded then tells
    nothing of when it was. Only where nothing speaks of now: "status na insult" may be of this morning, and so may one
    of several problems in a text."""
    found = _PAST.match(name) or _PAST_AFTER.search(name)
    return found is not None and not (_MORE_THAN_ONE.search(name) or _PERHAPS_NOW.search(name))


def _clauses(text: str) -> Iterator[_Clause]:
    start = 0
    for sentence in _BREAK.split(text):
        for length, is_list in _lists(sentence):
            if length:
                yield _Clause(start, start + length, is_list)
                start += length


def _lists(sentence: str) -> list[tuple[int, bool]]:
    """The numbers of words between commas; added up where the list that they make is denied as a whole."""
    said = words_of(sentence)
    head, colon, _ = sentence.partition(": ")
    heading = words_of(head.rpartition(",")[2]) if colon else []
    denials = _DENIALS.intersection(said)
    if not _DENIALS.isdisjoint(heading) or not _NEGATIVE.isdisjoint(heading[:1]) or (denials and denials <= _VERBS):
        return [(len(said), True)]
    joining = _OR if _DUTCH_DENIALS.isdisjoint(denials) else _DUTCH_OR
    found: list[tuple[int, bool]] = []
    goes_on = False
    for piece in reversed(sentence.split(",")):
        words = words_of(piece)
        found.append((len(words) + found.pop()[0], True) if goes_on else (len(words), False))
        is_item = len(words) <= _ITEM_LENGTH
        goes_on = (goes_on and is_item) or not joining.isdisjoint(words[: _ITEM_LENGTH + 1])
    return found[::-1]
