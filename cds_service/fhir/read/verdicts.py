"""What a code means here, and what one measured value is worth: usable, or which data-quality rule forbids it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from msgspec import UNSET, Raw, Struct, UnsetType

from cds_service.facts.records import ReferenceRange
from cds_service.facts.units import unit_of
from cds_service.facts.vocabulary import Concept, Vocabulary
from cds_service.fhir.datatypes import CodeableConcept
from cds_service.fhir.read import quality
from cds_service.fhir.read.lexicon import per_vocabulary
from cds_service.fhir.read.quantities import (
    NO_RANGE,
    UNIT_SUSPECT,
    RangeReading,
    Reading,
    is_far_off,
    read_range,
    read_value,
    shown,
)
from cds_service.fhir.structs import Measured, decode
from cds_service.knowledge.vocabulary_systems import LOINC

NO_FLAGS: frozenset[str] = frozenset()
HAEMOLYSED = frozenset({"haemolysed"})
MASS = frozenset({"mass"})
MOLAR = frozenset({"substance", "charge"})


class Meaning(Struct, frozen=True, gc=False):
    """What the code of a measurement means here: several concepts contradict each other.

    properties: "mass" or "molar" as the LOINC codes have it. elsewhere: its words name urine or another fluid.
    known: anything that we read at all. foreign: no coding in LOINC, so that it may be ours under a local code.
    rank: the place of its best code where the concept prefers one code to another.
    unit: what a site's laboratory means by this code when a result carries none.
    methods: the flags of its codes that tell one formula from another.
    sent: the code as sent.
    """

    concepts: tuple[Concept, ...]
    properties: frozenset[str]
    haemolysis_index: bool
    elsewhere: bool
    known: bool = False
    foreign: bool = True
    rank: int | None = None
    unit: str = ""
    methods: frozenset[str] = NO_FLAGS
    sent: bytes = b""


class Component(Measured, gc=False, rename="camel"):
    """One value of a panel."""


class Outcome(Struct, frozen=True, gc=False):
    """What a value is worth for one concept, whenever it was measured: usable when `problem` is empty."""

    concept: Concept
    in_blood: bool
    problem: str
    shown: str
    reading: Reading | None = None
    interval: ReferenceRange | None = None
    flags: frozenset[str] = NO_FLAGS


class Verdict(Struct, frozen=True, gc=False):
    """What one measured value says, whoever it belongs to; `draw_haemolysed`: a positive haemolysis index."""

    outcomes: tuple[Outcome, ...]
    draw_haemolysed: bool = False


NOTHING = Meaning((), frozenset(), haemolysis_index=False, elsewhere=False)
MAX_REMEMBERED = 20_000
LONGEST_REMEMBERED = 4096  # bytes


class Judge:
    """Judges values by one vocabulary, and remembers the verdict on equal bytes.

    Laboratory values repeat within and across calls. The key is the code, quantity, range and
    interpretation as sent: what is remembered names no person, time or resource.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.meanings: dict[bytes, Meaning] = {}
        self._verdicts: dict[tuple[bytes, bytes, bytes, bytes], Verdict] = {}

    def meaning(self, code: Raw | UnsetType) -> Meaning:
        """What a code means: by any of its codings, never by its text."""
        if code is UNSET:
            return NOTHING
        text = bytes(code)
        known = self.meanings.get(text)
        if known is None:
            known = self._look_up(decode(code, CodeableConcept), text)
            if len(text) <= LONGEST_REMEMBERED:
                if len(self.meanings) >= MAX_REMEMBERED:
                    self.meanings.clear()
                self.meanings[text] = known
        return known

    def _look_up(self, code: CodeableConcept | None, sent: bytes) -> Meaning:
        if code is None:
            return NOTHING
        systems, codes, units = self.vocabulary.systems, self.vocabulary.measurement_codes, self.vocabulary.code_units
        keys = [(systems.get(coding.system, coding.system), coding.code) for coding in code.coding]
        concepts = {concept.id: concept for key in keys if (concept := codes.get(key)) is not None}
        properties = {
            concept.properties[key[1]]
            for key in keys
            if (concept := codes.get(key)) is not None and key[1] in concept.properties
        }
        haemolysis_index = not quality.INDEX_CODES.isdisjoint(keys)
        return Meaning(
            concepts=tuple(concepts.values()),
            properties=frozenset(properties),
            haemolysis_index=haemolysis_index,
            known=bool(concepts) or haemolysis_index,
            foreign=not any(system == LOINC and code for system, code in keys),
            elsewhere=quality.names_other_specimen([code.text, *(coding.display for coding in code.coding)]),
            rank=_rank(concepts.values(), [key[1] for key in keys]),
            unit=next((units[key] for key in keys if key in units), ""),
            methods=frozenset(c.methods[code] for c in concepts.values() for _, code in keys if code in c.methods),
            sent=sent,
        )

    def verdict(self, found: Measured, meaning: Meaning, zone: ZoneInfo) -> Verdict:
        """What the value of a measurement with this meaning says."""
        if not is_plain(found):
            return _judge(found, meaning, zone)
        quantity, interval, judged = found.value_quantity, found.reference_range, found.interpretation
        key = (
            meaning.sent,
            b"" if quantity is UNSET else bytes(quantity),
            b"" if interval is UNSET else bytes(interval),
            b"" if judged is UNSET else bytes(judged),
        )
        known = self._verdicts.get(key)
        if known is None:
            known = _judge(found, meaning, zone)
            if sum(map(len, key)) <= LONGEST_REMEMBERED:
                if len(self._verdicts) >= MAX_REMEMBERED:
                    self._verdicts.clear()
                self._verdicts[key] = known
        return known


def _rank(concepts: Iterable[Concept], codes: Sequence[str]) -> int | None:
    places = [concept.preference[code] for concept in concepts for code in codes if code in concept.preference]
    return min(places, default=None)


judge_by = per_vocabulary(Judge)


def is_plain(found: Measured) -> bool:
    """Whether a quantity, a range and an interpretation are all that a measurement carries."""
    return (
        found.value_codeable_concept is None
        and found.value_date_time is None
        and found.value_string is UNSET
        and found.value_integer is UNSET
        and found.value_boolean is UNSET
        and found.data_absent_reason is UNSET
        and not found.modifier_extension
        and found.value_range is UNSET
        and found.value_ratio is UNSET
        and found.value_sampled_data is UNSET
        and found.value_time is UNSET
        and found.value_period is UNSET
    )


def _judge(found: Measured, meaning: Meaning, zone: ZoneInfo) -> Verdict:
    raw = found.interpretation
    judged = quality.NOT_INTERPRETED if raw is UNSET else quality.read_interpretation(raw)
    return Verdict(
        tuple(_outcome(found, concept, meaning, judged, zone) for concept in meaning.concepts),
        meaning.haemolysis_index and quality.index_is_positive(found, judged),
    )


def _outcome(
    found: Measured, concept: Concept, meaning: Meaning, judged: quality.Interpretation, zone: ZoneInfo
) -> Outcome:
    in_blood = quality.is_blood(concept)
    own = quality.judge_modifiers(found.modifier_extension) if found.modifier_extension else False
    problem = ""
    if len(meaning.concepts) > 1:
        problem = "dq-code"
    elif own is None:
        problem = "dq-modifier"
    elif meaning.elsewhere and in_blood:
        problem = "dq-specimen"
    reading = problem or read_value(found, concept, zone, meaning.unit)
    if isinstance(reading, str):
        return Outcome(concept, in_blood, reading, shown(found))
    raw = found.reference_range
    interval = NO_RANGE if raw is UNSET else read_range(raw, concept, reading.understood)
    problem = _doubt(reading, concept, interval)
    if problem:
        return Outcome(concept, in_blood, problem, shown(found), reading)
    flags = _flags(reading, interval.range, meaning, judged)
    if concept.haemolysis_raises and (judged.haemolysed or own):
        flags |= HAEMOLYSED
    return Outcome(concept, in_blood, "", "", reading, interval.range, flags)


def _doubt(reading: Reading, concept: Concept, interval: RangeReading) -> str:
    """Why a value that can be read must still not be used; "" when it may be."""
    if interval.suspect or (interval.range and interval.other_unit and is_far_off(reading.value, interval.range)):
        return UNIT_SUSPECT
    if concept.plausible is not None and not concept.plausible[0] <= reading.value <= concept.plausible[1]:
        return "dq-implausible"
    return ""


def _flags(
    reading: Reading, interval: ReferenceRange | None, meaning: Meaning, judged: quality.Interpretation
) -> frozenset[str]:
    side = judged.flag if judged.judged else _side(reading, interval)
    flags = [*meaning.methods, side] if side else [*meaning.methods]
    if reading.unit_of_site:
        flags.append("site-unit")
    if meaning.properties and _contradicts(reading.understood, meaning.properties):
        flags.append("unit-property-mismatch")
    return frozenset(flags) if flags else NO_FLAGS


def _side(reading: Reading, interval: ReferenceRange | None) -> str:
    """On which side of its reference range a value lies for certain."""
    if interval is None:
        return ""
    value, sign, low, high = reading.value, reading.comparator, interval.low, interval.high
    if low is not None and not sign.startswith(">") and (value < low or (sign == "<" and value == low)):
        return "lab-low"
    if high is not None and not sign.startswith("<") and (value > high or (sign == ">" and value == high)):
        return "lab-high"
    return ""


def _contradicts(understood: str, properties: frozenset[str]) -> bool:
    unit = unit_of(understood)
    if unit is None or len(properties) != 1:
        return False
    return unit.of in (MOLAR if "mass" in properties else MASS)
