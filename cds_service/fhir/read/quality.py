"""Which measurements may be used at all: status, subject, specimen, haemolysis (catalogue 1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from msgspec import UNSET, Raw

from cds_service.facts.moments import Moment
from cds_service.facts.units import unit_of
from cds_service.facts.vocabulary import Concept
from cds_service.fhir.datatypes import Annotation, CodeableConcept, Coding, Extension
from cds_service.fhir.read.quantities import exceeds_own_range
from cds_service.fhir.structs import Measured, decode
from cds_service.knowledge.vocabulary_systems import LOINC, SNOMED

INDEX_CODES = frozenset({(LOINC, "46424-8"), (LOINC, "20393-5")})
CORRECTED = frozenset({"amended", "corrected"})
FINAL = CORRECTED | {"final"}
WITHDRAWN = frozenset({"registered", "cancelled", "entered-in-error"})
SAME_DRAW = timedelta(minutes=15)
INFLUENCES_INTERPRETATION = "interpretationsbeeinflussendeeigenschaft"
HEM = "http://terminology.hl7.org/CodeSystem/v2-0493"
HAEMOLYSED_CODES = frozenset({(SNOMED, "118128002"), (HEM, "HEM")})
LOW_CODES = frozenset({"L", "LL", "LU"})
HIGH_CODES = frozenset({"H", "HH", "HU"})
POSITIVE_CODES = frozenset({"POS", "10828004", "52101004", "LA6576-8", "LA9633-4"})

_WORD = r"h(?:a?e|ä)moly\w*"
_SPOILED = r"betrouw|beoor|bruik|bepa|te\b|reli|report|valid|interpret|usable|verwert"  # "not reliable: haemolysis"
_BEFORE = (
    rf"\b(?:niet|geen|zonder|not|no|non|free|vrij|without|nicht|keine?|ohne)\b[ -]*(?:(?!{_SPOILED})\w+ +){{0,2}}?"
)
_NEGATIVE = r"(?:negatie[fv]e?|negativ\w*|none|nee\b|nein\b|absent|afwezig|0(?![.,]?\d))"
_SEEN = r"(?:detected|present|seen|visible|observed|zichtbaar|aanwezig|aantoonbaar|gezien|sichtbar)"
_AFTER = (
    r"(?:\s+(?:index|graad|grade))?\s*"
    rf"(?:[:=]\s*(?:geen|niet|nee|no|not|nein|kein)\b|[:=?]?\s*(?:{_NEGATIVE}|(?:not|niet|nicht) +{_SEEN}))"
)
_HAEMOLYSIS = re.compile(_WORD, re.IGNORECASE)
_NO_HAEMOLYSIS = re.compile(rf"{_BEFORE}{_WORD}|{_WORD}{_AFTER}", re.IGNORECASE)
_DRIP_ARM = re.compile(
    r"infuus-?arm|arm (?:met|waar) (?:het |een )?infuus|(?:boven|uit|via) (?:het |een )?(?:lopend )?infuus"
    r"|(?:bij|ver)menging met infuus|infuusvloeistof|infuus-?contaminatie"
    r"|\b(?:drip|infusion|iv) arm\b|(?:above|from|via) (?:the |a |an )?(?:running )?(?:iv|drip|infusion)\b"
    r"|contaminat\w* (?:with|by) (?:iv |infusion |drip )(?:fluid)?",
    re.IGNORECASE,
)
_NO_DRIP_ARM = re.compile(r"\b(?:niet|geen|zonder|not|no|without)\b[^.,;]{0,40}(?:infu|drip|\biv\b)", re.IGNORECASE)
_NOTE_HINTS = (b"moly", b"infu", b"drip", b"iv", b"\\u00")  # the last: letters that were written as escapes
_OTHER_SPECIMEN = re.compile(
    r"\burin|dialysa[at]|effluent|\bcrrt\b|\bdrain|\bcsf\b|cerebrospinal|\bliquor|\bfluid\b|vocht\b|ascites"
    r"|\bpleura|\bsweat\b|\bzweet\b|saliva|speeksel|\bstool\b|\bf(?:a|ae|e)ces\b",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"\s*(?:pos|present|aanwezig|ja\b|yes\b|\+|[1-4]\s*\+|slight|moderate|gross|licht|matig|sterk)", re.IGNORECASE
)


class Interpretation(msgspec.Struct, frozen=True, gc=False):
    """What the laboratory says about a value: `lab-low` / `lab-high` or nothing, and all its words."""

    flag: str
    judged: bool
    positive: bool
    haemolysed: bool


class Draw(msgspec.Struct, frozen=True):
    """A haemolysis index or flag that is positive: which specimen, and when it was drawn."""

    specimen: str | None
    at: Moment


NOT_INTERPRETED = Interpretation("", judged=False, positive=False, haemolysed=False)


def judge_status(status: str, *, admit_unknown: bool) -> str:
    """`final`, `preliminary`, `withdrawn` (as if it were not there) or `unusable` (nobody knows)."""
    bare = status.strip()
    if bare in FINAL:
        return "final"
    if bare == "unknown" and admit_unknown:
        return "final"
    if bare == "preliminary":
        return bare
    return "withdrawn" if bare in WITHDRAWN else "unusable"


def says_haemolysed(text: str) -> bool:
    """Whether words say that a sample is haemolysed; "niet hemolytisch" and "not haemolysed" do not."""
    return _HAEMOLYSIS.search(text) is not None and _HAEMOLYSIS.search(_NO_HAEMOLYSIS.sub(" ", text)) is not None


def names_other_specimen(texts: Sequence[str]) -> bool:
    """Whether words name something other than blood: urine, dialysate, drain, liquor, other fluids."""
    return any(_OTHER_SPECIMEN.search(text) for text in texts if text)


def is_blood(concept: Concept) -> bool:
    """Whether a concept is a concentration in blood, so that another specimen makes a result useless for it."""
    unit = unit_of(concept.unit)
    return unit is not None and unit.per == "volume" and "urin" not in concept.id


def read_notes(raw: Raw) -> tuple[bool, bool]:
    """Whether any note of a resource (in STU3 one text) says that the sample is haemolysed, and that it may come from
    the drip arm.

    Most notes say neither: only those whose bytes hold one of the words at all are decoded.
    """
    text = bytes(raw).lower()
    for hint in _NOTE_HINTS:
        if hint in text:
            break
    else:
        return False, False
    notes = decode(raw, list[Annotation]) or [Annotation(decode(raw, str) or "")]
    drip_arm = any(_DRIP_ARM.search(note.text) and not _NO_DRIP_ARM.search(note.text) for note in notes)
    return any(says_haemolysed(note.text) for note in notes), drip_arm


def read_interpretation(raw: Raw) -> Interpretation:
    """Decode `interpretation` (list, or one object as in STU3). The codes H and HH mean high, never haemolysed."""
    concepts = decode(raw, list[CodeableConcept])
    if concepts is None:
        single = decode(raw, CodeableConcept)
        concepts = [] if single is None else [single]
    codes = {coding.code for concept in concepts for coding in concept.coding}
    words = [word for concept in concepts for word in (concept.text, *(c.display for c in concept.coding)) if word]
    low, high = bool(codes & LOW_CODES), bool(codes & HIGH_CODES)
    return Interpretation(
        flag="" if low == high else "lab-low" if low else "lab-high",
        judged=bool(codes),
        positive=bool(codes & (POSITIVE_CODES | HIGH_CODES)),
        haemolysed=any(says_haemolysed(word) for word in words),
    )


def judge_modifiers(extensions: Sequence[Extension]) -> bool | None:
    """Whether modifier extensions say "haemolysed"; None when any of them is not understood."""
    for extension in extensions:
        if not extension.url.lower().endswith(INFLUENCES_INTERPRETATION):
            return None
        value = extension.value_codeable_concept
        concept = None if value is UNSET else decode(value, CodeableConcept)
        coding = None if extension.value_coding is UNSET else decode(extension.value_coding, Coding)
        codings = [*(concept.coding if concept else ()), *([coding] if coding else ())]
        if not any((one.system, one.code) in HAEMOLYSED_CODES for one in codings):
            return None
    return bool(extensions)


def index_is_positive(found: Measured, interpretation: Interpretation) -> bool:
    """Whether a haemolysis index lies above its own range, or a haemolysis flag is positive."""
    if interpretation.positive:
        return True
    answer = found.value_codeable_concept
    if answer is not None:
        words = [answer.text, *(coding.display for coding in answer.coding)]
        return any(c.code in POSITIVE_CODES for c in answer.coding) or any(_POSITIVE.match(word) for word in words)
    if found.value_boolean is not UNSET:
        return decode(found.value_boolean, bool) is True
    if found.value_string is not UNSET:
        return _POSITIVE.match(decode(found.value_string, str) or "") is not None
    return exceeds_own_range(found)


def is_same_draw(draw: Draw, specimen: str | None, at: Moment) -> bool:
    """Whether a result comes from the draw that the index judged: same specimen, or at most 15 minutes apart."""
    if draw.specimen and draw.specimen == specimen:
        return True
    return not (draw.at.day_only or at.day_only) and abs(draw.at.earliest - at.earliest) <= SAME_DRAW
