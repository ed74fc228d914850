"""Product codes of drug maps: the forms in which records write them, and what the map says."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.vocabulary import MappedDrug, Vocabulary
from cds_service.fhir.datatypes import Coding
from cds_service.knowledge.vocabulary_systems import NDC

_NDC_SEGMENTS = (5, 4, 2)


class ProductCodes:
    """Looks product codes up in the maps of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._maps = vocabulary.mapped_drugs
        self._systems = vocabulary.systems

    def find(self, codings: Iterable[Coding]) -> MappedDrug | None:
        """What the maps say of the first coding that they know."""
        if not self._maps:
            return None
        for coding in codings:
            system = self._systems.get(coding.system, coding.system)
            codes = self._maps.get(system)
            if codes is None or not coding.code:
                continue
            code = coding.code.strip()
            found = codes.get(code) or codes.get(eleven_digits(code) if system == NDC else code.lstrip("0"))
            if found is not None:
                return found
        return None


def eleven_digits(ndc: str) -> str:
    """A National Drug Code written with hyphens, in its form of eleven digits; others as they are."""
    parts = ndc.split("-")
    if len(parts) != len(_NDC_SEGMENTS):
        return ndc
    return "".join(part.rjust(size, "0") for part, size in zip(parts, _NDC_SEGMENTS, strict=True))
