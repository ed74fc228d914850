"""What is known of the specimen of a result: its reference, what it is, and whether it arrived haemolysed.

Usually only the reference and its display; a Specimen that was delivered or is contained says more. None delivered
means unknown, not clean.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from cds_service.fhir.datatypes import Reference
from cds_service.fhir.read import quality
from cds_service.fhir.structs import Observation, Specimen, decode


class Container(Struct, frozen=True, gc=False):
    """A specimen: its reference (None for a contained one), whether it is no blood, whether it is said haemolysed."""

    ref: str | None
    elsewhere: bool
    haemolysed: bool


NO_SPECIMEN = Container(None, elsewhere=False, haemolysed=False)


class SpecimenShelf:
    """The specimens of one call, delivered or only referred to; each is judged once."""

    def __init__(self, raws: Sequence[Raw]) -> None:
        self._delivered = {f"Specimen/{s.id}": s for raw in raws if (s := decode(raw, Specimen)) and _is_sound(s)}
        self._known: dict[bytes, Container] = {}

    def container(self, observation: Observation) -> Container:
        """What an Observation that names its specimen was measured in."""
        assert observation.specimen is not UNSET  # noqa: S101 (the caller asks for no other)
        text = bytes(observation.specimen)
        known = self._known.get(text)
        if known is not None:
            return known
        reference = decode(observation.specimen, Reference)
        if reference is None:
            return NO_SPECIMEN
        specimen = self._find(reference.reference, observation.contained)
        words = [reference.display, *(() if specimen is None else _words(specimen))]
        inside = reference.reference.startswith("#")
        container = Container(
            None if inside else reference.reference or None,
            quality.names_other_specimen(words),
            any(quality.says_haemolysed(word) for word in words) or (specimen is not None and _is_haemolysed(specimen)),
        )
        if not inside:
            self._known[text] = container
        return container

    def _find(self, reference: str, contained: Raw | UnsetType) -> Specimen | None:
        if not reference.startswith("#"):
            return self._delivered.get("/".join(reference.split("/")[-2:]))
        inside = None if contained is UNSET else decode(contained, list[Specimen])
        return next((s for s in inside or () if s.id == reference[1:] and _is_sound(s)), None)


def _is_sound(specimen: Specimen) -> bool:
    """Whether what it says may be used: it is no error, and nothing that we cannot read changes its meaning."""
    modified = specimen.implicit_rules or specimen.modifier_extension
    return bool(specimen.id) and not modified and specimen.status.strip() != "entered-in-error"


def _is_haemolysed(specimen: Specimen) -> bool:
    codings = [coding for condition in specimen.condition for coding in condition.coding]
    words = [*(condition.text for condition in specimen.condition), *(coding.display for coding in codings)]
    return any((coding.system, coding.code) in quality.HAEMOLYSED_CODES for coding in codings) or any(
        quality.says_haemolysed(word) for word in words
    )


def _words(specimen: Specimen) -> list[str]:
    kind = specimen.type
    return [] if kind is None else [kind.text, *(coding.display for coding in kind.coding)]
