"""Who says that a drug is used, and whether it really is: patient reports, denials, adherence, self-bought drugs."""

from __future__ import annotations

from msgspec import UNSET, Raw, UnsetType

from cds_service.fhir import structs
from cds_service.fhir.read.lexicon import remember_short, remember_texts

_SPECIFIED_BY_PATIENT = frozenset({"patientspecified"})
_OTC_WORDS = ("vrij verkrijgbaar", "over the counter", "over-the-counter")


def denies(statement: structs.MedicationStatement) -> bool:
    """Whether the statement says that the drug is not taken, in any FHIR version's way."""
    if statement.status.strip() == "not-taken" or statement.taken == "n" or statement.was_not_taken:
        return True
    return _adherence(statement) == "not" or _adherence(statement).startswith("not-taking")


def _adherence(statement: structs.MedicationStatement) -> str:
    if statement.adherence is None or statement.adherence.code is None:
        return ""
    return next((coding.code for coding in statement.adherence.code.coding), "")


def statement_status(statement: structs.MedicationStatement) -> str:
    """The R4 status; R5 keeps it in `adherence`, STU3 whether it is known in `taken`."""
    status = statement.status.strip()
    if status == "active" and statement.taken == "unk":
        return "unknown"
    if status != "recorded":
        return status
    adherence = _adherence(statement)
    return next((known for known in ("on-hold", "stopped", "unknown") if adherence.startswith(known)), "active")


def is_by_patient(request: structs.MedicationRequest, reported: bool) -> bool:
    """Whether the patient reports the drug without a prescription: bought, not prescribed."""
    return (reported and request.intent == "plan") or has_category(request.category, _SPECIFIED_BY_PATIENT)


def is_from_patient(statement: structs.MedicationStatement) -> bool:
    """Whether the patient is the source of the statement."""
    source = statement.information_source
    by_patient = source is not None and ("Patient/" in source.reference or source.type == "Patient")
    return by_patient or has_category(statement.category, _SPECIFIED_BY_PATIENT)


def has_category(raw: Raw | UnsetType, wanted: frozenset[str]) -> bool:
    """Whether a category, undecoded (one concept or a list of them), has one of the codes."""
    return raw is not UNSET and not wanted.isdisjoint(_codes_in(bytes(raw)))


@remember_short
def _codes_in(category: bytes) -> frozenset[str]:
    sent = structs.decode(Raw(category), object)
    found = set()
    for concept in sent if isinstance(sent, list) else [sent]:
        codings = concept.get("coding") if isinstance(concept, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                found.add(coding["code"])
    return frozenset(found)


@remember_texts
def names_otc(name: str) -> bool:
    """Whether a product's name says that it is sold without prescription."""
    lower = name.lower()
    return any(words in lower for words in _OTC_WORDS) or "otc" in lower.replace("(", " ").replace(")", " ").split()
