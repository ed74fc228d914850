"""Salts: those that supply an element, and names that Dutch and German write as one word with their salt or water, as
`sotalolhydrochloride`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.read.lexicon import per_vocabulary

# Esters of skin preparations (propionaat, valeraat) and lactates of infusions are left out: their route is another one.
_TAIL = re.compile(
    r"(?:mono|hemi|sesqui|di|tri|tetra|penta|hexa|hepta|waterstof)*"
    r"(?:hydraa?t|hydrochloride?|hydrobromide?|chloride?|bromide?|carbonaa?t|sulfaa?t|fosfaa?t|nitraa?t|acetaa?t|maleaa?t"
    r"|malaa?t|(?:me|be|to|e)silaa?t|succinaa?t|ethylsuccinaa?t|tartraa?t|fumaraa?t|citraa?t|oxalaa?t|embonaa?t|pamoaa?t|stearaa?t"
    r"|lactobionaa?t|decanoaa?t|isetionaa?t|hyclaa?t|propaandiol|olamine?|arginine?|erbumine?|cilexetil|medoxomil|marboxil"
    r"|disoproxil|alafenamide?|natrium|kalium|calcium|magnesium)"
)
_HEAD = re.compile(r"(?:di|tri|tetra)?natrium")
_SHORTEST = 5


def without_salt(word: str) -> Iterator[str]:
    """What a word may name without its salt, the longest first: `nilotinibhydrochloridemonohydraat` gives
    `nilotinibhydrochloride` and `nilotinib`, `dinatriumetidronaat` gives `etidronaat`."""
    while (end := _start_of_tail(word)) is not None:
        word = word[:end]
        yield word
    if (head := _HEAD.match(word)) is not None and len(word) - head.end() >= _SHORTEST:
        yield word[head.end() :]


def _start_of_tail(word: str) -> int | None:
    """Where the last salt or water of a word begins, with all that counts it; None when there is none."""
    return next((at for at in range(_SHORTEST, len(word)) if _TAIL.fullmatch(word, at)), None)


def _salts_of(vocabulary: Vocabulary) -> dict[str, dict[str, tuple[Decimal, Decimal] | None]]:
    """Element -> the ingredients that supply it -> its share in percent w/w, None where it is not known."""
    found: dict[str, dict[str, tuple[Decimal, Decimal] | None]] = {}
    for drug in vocabulary.drugs.values():
        if drug.element is not None:
            found.setdefault(drug.element, {})[drug.id] = drug.elemental_percent
    return found


salts_of = per_vocabulary(_salts_of)
