"""How facts are printed: as the laboratory printed them, decimal comma in Dutch, dates in the tenant's zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import Listing, Phrase, Value
from cds_service.facts.records import Exposure, LabOrder, Problem, Result, Unusable
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.model import Limit, Text
from cds_service.knowledge.template import Place, Template

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COMPARATORS = {"<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ "}  # a space: "<0" could open a tag in a careless client
_UNITS = {
    "mL/min/{1.73_m2}": {"nl": "ml/min/1,73 m²", "en": "mL/min/1.73 m²"},
    "mmol/(24.h)": {"nl": "mmol/24 uur", "en": "mmol/24 h"},
    "mg/d": {"nl": "mg/dag", "en": "mg/day"},
    "umol/L": {"nl": "µmol/L", "en": "µmol/L"},
    "ug/L": {"nl": "µg/L", "en": "µg/L"},
    "ug": {"nl": "µg", "en": "µg"},
    "h": {"nl": "uur", "en": "h"},
    "d": {"nl": "dagen", "en": "days"},
}


class Printer:
    """Prints values in one language for one rule: its phrases win over the shared ones.

    `escape` makes chart text harmless for where it goes (plain summary or Markdown detail).
    """

    __slots__ = ("_limits", "_phrases", "_shared", "_vocabulary", "_zone", "escape", "language")

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
        self._zone = zone
        self._vocabulary = vocabulary
        self._shared = shared
        self._phrases = phrases
        self._limits = limits
        self.escape = escape

    def fill(self, template: Template, values: Mapping[str, Value]) -> str:
        """The text with its places filled. Raises KeyError for a value that the rule did not give."""
        pieces = template.pieces
        if len(pieces) == 1 and isinstance(pieces[0], str):
            return pieces[0]
        return "".join([piece if isinstance(piece, str) else self._place(piece, values) for piece in pieces])

    def phrase(self, phrase_id: str, values: Mapping[str, Value] | None = None) -> str:
        """A named phrase in this language."""
        text = self._phrases.get(phrase_id) or self._shared[phrase_id]
        return self.fill(text[self.language], values or {})

    def number(self, text: str) -> str:
        """A number as printed, with the language's decimal sign."""
        return text.replace(".", ",") if self.language == "nl" else text

    def value(self, value: Value, part: str = "") -> str:
        """One value; `part` selects a piece of it (`date`, `value`, `label`, `name`, `since`)."""
        if isinstance(value, Result):
            return self._result(value, part)
        if isinstance(value, Exposure):
            return self.date(value.since) if part == "since" else self.escape(value.name)
        if isinstance(value, Problem):
            return self.date(value.at) if part in ("date", "since") else self.problem(value)
        if isinstance(value, Phrase):
            return self.phrase(value.id, value.values)
        if isinstance(value, Listing):
            joint = "\n- " if value.lines else ", "
            return joint.join(self.value(item) for item in value.items)
        if isinstance(value, Moment):
            return self.day(value)
        if isinstance(value, LabOrder):
            return self.label(value.concept)
        if isinstance(value, Unusable):
            if part == "date":
                return self.day(value.at)
            return f"{self.label(value.concept)} {self.number(self.escape(value.shown))}"
        if value is None:
            return self.phrase("unknown")
        return self.number(format(value, "f") if isinstance(value, Decimal) else str(value))

    def label(self, concept: str) -> str:
        """A concept's name in this language."""
        return self._vocabulary.concepts[concept].label[self.language]

    def problem(self, problem: Problem) -> str:
        """A problem as the chart names it; one that carries only a code by the label of its group."""
        labels = self._vocabulary.condition_labels.get(problem.group, {})
        return self.escape(problem.name) if problem.name else labels.get(self.language, problem.group)

    def unit(self, unit: str) -> str:
        """A UCUM unit as people write it."""
        known = _UNITS.get(unit)
        return known[self.language] if known is not None else self.escape(unit)

    def day(self, moment: Moment | None) -> str:
        """A date, with the time of day when it was recorded."""
        return self.date(moment, with_time=True)

    def date(self, moment: Moment | None, *, with_time: bool = False) -> str:
        """A date without the time of day, or with it when it was recorded."""
        if moment is None:
            return self.phrase("date-unknown")
        at = moment.earliest.astimezone(self._zone)
        time = f" {at.hour:02}:{at.minute:02}" if with_time and not moment.day_only else ""
        if self.language == "nl":
            return f"{at.day:02}-{at.month:02}-{at.year}{time}"
        return f"{at.day} {_MONTHS[at.month - 1]} {at.year}{time}"

    def _result(self, result: Result, part: str) -> str:
        if part == "date":
            return self.day(result.at)
        if part == "label":
            return self.label(result.concept)
        sign = _COMPARATORS.get(result.comparator, "")
        reported = sign + self.number(result.reported)
        if part == "value":
            return reported
        text = f"{reported} {self.unit(result.unit)}"
        if result.converted:
            concept = self._vocabulary.concepts[result.concept]
            text += f" ({sign}{self.number(format(result.value, 'f'))} {self.unit(concept.unit)})"
        return text

    def _place(self, place: Place, values: Mapping[str, Value]) -> str:
        if place.name == "limit":
            limit = next(limit for limit in self._limits if limit.name == place.part)
            return f"{self.number(format(limit.value, 'f'))} {self.unit(limit.unit)}"
        return self.value(values[place.name], place.part)
