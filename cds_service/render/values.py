"""How facts are printed: as the laboratory printed them, decimal comma in Dutch, dates in the tenant's zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import Listing, Phrase, Value
from cds_service.facts.records import Exposure, LabOrder, Problem, Result, Unusable
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.model import Limit, Text
from cds_service.knowledge.template import Place, Template
from cds_service.render.brevity import with_short_names

_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
NO_VALUES: Mapping[str, Value] = {}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COMPARATORS = {"<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ "}  # a space: "<0" could open a tag in a careless client
_UNITS = {
    "mL/min/{1.73_m2}": {"nl": "ml/min/1,73 m²", "en": "mL/min/1.73 m²"},
    "mL/min/1.73 m2": {"nl": "ml/min/1,73 m²", "en": "mL/min/1.73 m²"},
    "mmol/(24.h)": {"nl": "mmol/24 uur", "en": "mmol/24 h"},
    "mg/d": {"nl": "mg/dag", "en": "mg/day"},
    "mmol/d": {"nl": "mmol/dag", "en": "mmol/day"},
    "{drinks}/d": {"nl": "glazen alcohol/dag", "en": "alcoholic drinks/day"},
    "umol/L": {"nl": "µmol/L", "en": "µmol/L"},
    "m[IU]/L": {"nl": "mU/l", "en": "mIU/L"},
    "ug/L": {"nl": "µg/L", "en": "µg/L"},
    "ug": {"nl": "µg", "en": "µg"},
    "mm[Hg]": {"nl": "mmHg", "en": "mmHg"},
    "kg/m2": {"nl": "kg/m²", "en": "kg/m²"},
    "meq/L": {"nl": "mEq/L", "en": "mEq/L"},
    "h": {"nl": "uur", "en": "h"},
    "d": {"nl": "dagen", "en": "days"},
    "a": {"nl": "jaar", "en": "years"},
}


def written_day(day: date, language: str) -> str:
    """A day as a card prints it: 28-11-2026 in Dutch, 28 Nov 2026 in English."""
    if language == "nl":
        return f"{_TWO_DIGITS[day.day]}-{_TWO_DIGITS[day.month]}-{day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


class Gapped(msgspec.Struct, frozen=True):
    """A text with places for a patient's values: its pieces in order, empty at the places, and for each place its
    position, the value's name and the part of it."""

    pieces: tuple[str, ...]
    gaps: tuple[tuple[int, str, str], ...]


Ready = str | Gapped
"""A text as one printer prints it: finished, or finished but for a patient's values."""


class Printer:
    """Prints values in one language for one rule: its phrases win over the shared ones.

    `escape` makes chart text harmless for where it goes (plain summary or Markdown detail); `own_words` tells whether
    the rule words a shared phrase in its own way.
    """

    __slots__ = (
        "_dutch", "_headings", "_limits", "_phrases", "_ready", "_shared", "_units", "_vocabulary", "_zone", "escape",
        "language", "own_words",
    )  # fmt: skip

    def __init__(
        self,
        language: str,
        zone: ZoneInfo,
        vocabulary: Vocabulary,
        shared: Mapping[str, Text],
        phrases: Mapping[str, Text],
        limits: tuple[Limit, ...],
        escape: Callable[[str], str],
    ) -> None:
        self.language = language
        self.escape = escape
        self.own_words = not shared.keys().isdisjoint(phrases)
        self._dutch = language == "nl"
        self._zone = zone
        self._vocabulary = vocabulary
        self._shared = shared
        self._phrases = phrases
        self._limits = {
            limit.name: f"{self.number(format(limit.value, 'f'))} {self.unit(limit.unit)}" for limit in limits
        }
        self._units = {unit: self.unit(unit) for unit in {concept.unit for concept in vocabulary.concepts.values()}}
        self._ready: dict[str, Ready] = {}  # phrases used so far
        self._headings: dict[str, str] = {}  # labels of concepts as a line starts with them

    def ready(self, template: Template) -> Ready:
        """The text with all filled in that does not depend on a patient: the rule's limits."""
        pieces: list[str | Place] = []
        for piece in template.pieces:
            known = self._limits.get(piece.part, piece) if isinstance(piece, Place) and piece.name == "limit" else piece
            last = pieces[-1] if pieces else None
            if isinstance(known, str) and isinstance(last, str):
                pieces[-1] = last + known
            else:
                pieces.append(known)
        gaps = tuple((at, piece.name, piece.part) for at, piece in enumerate(pieces) if isinstance(piece, Place))
        finished = tuple(piece if isinstance(piece, str) else "" for piece in pieces)
        return Gapped(finished, gaps) if gaps else "".join(finished)

    def fill(self, text: Ready, values: Mapping[str, Value]) -> str:
        """The text with its places filled. Raises KeyError for a value that the rule did not give, or
        that is of no kind that texts may print."""
        if isinstance(text, str):
            return text
        pieces = list(text.pieces)
        for at, name, part in text.gaps:
            value = values[name]
            pieces[at] = _PRINTED[value.__class__](self, value, part)
        return "".join(pieces)

    def phrase(self, phrase_id: str, values: Mapping[str, Value] = NO_VALUES) -> str:
        """A named phrase in this language."""
        text = self._ready.get(phrase_id)
        if text is None:
            template = self._phrases.get(phrase_id) or self._shared[phrase_id]
            text = self._ready[phrase_id] = self.ready(template[self.language])
        return text if isinstance(text, str) else self.fill(text, values)

    def number(self, text: str) -> str:
        """A number as printed, with the language's decimal sign."""
        return text.replace(".", ",") if self._dutch else text

    def value(self, value: Value, part: str = "") -> str:
        """One value; `part` selects a piece of it (`date`, `day`, `value`, `label`, `name`, `since`)."""
        return _PRINTED[value.__class__](self, value, part)

    def label(self, concept: str) -> str:
        """A concept's name in this language."""
        return self._vocabulary.concepts[concept].label[self.language]

    def heading(self, concept: str) -> str:
        """A concept's name at the start of a line."""
        found = self._headings.get(concept)
        if found is None:
            found = self._headings[concept] = capital(self.label(concept))
        return found

    def with_short_names(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """The values with drugs named by their ingredients, for a text that is too long otherwise."""
        return with_short_names(values, self._vocabulary, self.language)

    def problem(self, problem: Problem) -> str:
        """A problem as the chart names it; one that carries only a code by the label of its group."""
        labels = self._vocabulary.condition_labels.get(problem.group, {})
        return self.escape(problem.name) if problem.name else labels.get(self.language, problem.group)

    def unit(self, unit: str) -> str:
        """A UCUM unit as people write it."""
        return written_unit(unit, self.language, self.escape)

    def day(self, moment: Moment | None) -> str:
        """A date, with the time of day when it was recorded."""
        return self.date(moment, with_time=True)

    def date(self, moment: Moment | None, *, with_time: bool = False) -> str:
        """A date without the time of day, or with it when it was recorded."""
        if moment is None:
            return self.phrase("date-unknown")
        at = moment.earliest.astimezone(self._zone)
        time = f" {_TWO_DIGITS[at.hour]}:{_TWO_DIGITS[at.minute]}" if with_time and not moment.day_only else ""
        return f"{written_day(at, self.language)}{time}"

    def result(self, result: Result, part: str = "") -> str:
        """A result with its unit, or one `part` of it; a converted value follows in brackets."""
        if part == "date":
            return self.date(result.at, with_time=True)
        if part == "day":
            return self.date(result.at)
        if part == "label":
            return self.label(result.concept)
        reported = result.reported.replace(".", ",") if self._dutch else result.reported
        sign = _COMPARATORS[result.comparator] if result.comparator else ""
        if part == "value":
            return sign + reported
        unit = self._units.get(result.unit) or self.unit(result.unit)
        if not result.converted or format(result.value, "f") == result.reported:  # 3.0 meq/L of potassium is 3.0 mmol/L
            return f"{sign}{reported} {unit}"
        concept = self._vocabulary.concepts[result.concept]
        value = self.number(format(result.value, "f"))
        return f"{sign}{reported} {unit} ({sign}{value} {self.unit(concept.unit)})"

    def _exposure(self, exposure: Exposure, part: str) -> str:
        return self.date(exposure.since) if part == "since" else self.escape(exposure.name)

    def _problem(self, problem: Problem, part: str) -> str:
        return self.date(problem.at) if part in ("date", "since") else self.problem(problem)

    def _phrase(self, phrase: Phrase, part: str) -> str:
        text = self._ready.get(phrase.id)
        return self.phrase(phrase.id, phrase.values) if text is None else self.fill(text, phrase.values)

    def _listing(self, listing: Listing, part: str) -> str:
        joint = "\n- " if listing.lines else ", "
        return joint.join(dict.fromkeys([self.value(item) for item in listing.items]))

    def _moment(self, moment: Moment, part: str) -> str:
        return self.day(moment)

    def _order(self, order: LabOrder, part: str) -> str:
        return self.label(order.concept)

    def _unusable(self, unusable: Unusable, part: str) -> str:
        if part == "date":
            return self.day(unusable.at)
        return f"{self.label(unusable.concept)} {self.number(self.escape(unusable.shown))}"

    def _nothing(self, nothing: None, part: str) -> str:
        return self.phrase("unknown")

    def _decimal(self, number: Decimal, part: str) -> str:
        return self.number(format(number, "f"))

    def _integer(self, number: int, part: str) -> str:
        return str(number)


_PRINTED: Mapping[type, Callable[[Printer, Any, str], str]] = {
    Result: Printer.result,
    Exposure: Printer._exposure,
    Problem: Printer._problem,
    Phrase: Printer._phrase,
    Listing: Printer._listing,
    Moment: Printer._moment,
    LabOrder: Printer._order,
    Unusable: Printer._unusable,
    type(None): Printer._nothing,
    Decimal: Printer._decimal,
    int: Printer._integer,
}


@lru_cache(maxsize=512)
def written_unit(unit: str, language: str, escape: Callable[[str], str] = str) -> str:
    """A UCUM unit as people write it; one that we do not know as it is, escaped."""
    known = _UNITS.get(unit)
    return known[language] if known is not None else escape(unit)


def capital(label: str) -> str:
    """A sentence's capital, but eGFR stays eGFR."""
    return label if label[1:2].isupper() else label[:1].upper() + label[1:]
