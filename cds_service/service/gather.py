"""From a request to a Call: whose chart, as of when, what was delivered, which drafts it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from cds_service.errors import RequestError
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.prefetch import is_null, read_entries, read_head, read_prefetch, require_answers
from cds_service.knowledge.model import KeyPlanEntry
from cds_service.service.envelope import CONTEXTS, Envelope

AS_OF_EXTENSION = "org.ionwise.as-of"
AS_OF_YEARS = range(1900, 2200)  # far from where dates end: windows and due dates are reckoned from it

_REFERENCE = re.compile(r"(?:^|/)([A-Za-z]+)/([^/]+)(?:/_history/[^/]+)?$")


class _Subject(msgspec.Struct, frozen=True):
    reference: str | None = None


class _Draft(msgspec.Struct, frozen=True):
    subject: _Subject | None = None
    patient: _Subject | None = None


def gather(
    envelope: Envelope,
    plan: Sequence[KeyPlanEntry],
    *,
    now: datetime,
    sandbox: bool = False,
    absent_sources: frozenset[str] = frozenset(),
) -> Call:
    """The Call of a request from its prefetch alone; see `read_call`. Raises RequestError also with 412, when required
    prefetch is missing or failed."""
    call = read_call(envelope, plan, now=now, sandbox=sandbox, absent_sources=absent_sources)
    require_answers(call.answers, plan, call.hook)
    return call


def read_call(
    envelope: Envelope,
    plan: Sequence[KeyPlanEntry],
    *,
    now: datetime,
    sandbox: bool = False,
    absent_sources: frozenset[str] = frozenset(),
) -> Call:
    """What a request brought; `plan` holds the keys of its hook, `now` is the server's clock (aware).

    Raises RequestError 400 when the request is about two patients, its drafts are no Bundle or the sandbox's evaluation
    time cannot be read. Whether what is required was brought is for `require_answers` to say.
    """
    drafts = _read_drafts(envelope)
    answers = read_prefetch(envelope.prefetch, plan, absent_sources)
    _refuse_other_patient(envelope.patient_id, answers.get("patient"), drafts)
    return Call(
        hook=envelope.hook,
        patient_id=envelope.patient_id,
        as_of=read_as_of(envelope, now, sandbox),
        answers=answers,
        encounter_id=envelope.encounter_id,
        user_id=envelope.user_id,
        drafts=drafts,
        judged=_judged(envelope, drafts),
    )


def is_for_clinician(envelope: Envelope) -> bool:
    """False when a patient or a relative looks on: advice is written for clinicians."""
    return envelope.user_id is None or not envelope.user_id.startswith(("Patient/", "RelatedPerson/"))


def _read_drafts(envelope: Envelope) -> tuple[msgspec.Raw, ...]:
    if envelope.drafts is None:
        return ()
    drafts = read_entries(envelope.drafts)
    if drafts is None:
        raise RequestError(400, "structure", f"context.{CONTEXTS[envelope.hook].drafts}: must be a Bundle of resources")
    return drafts


def _refuse_other_patient(patient_id: str, answer: KeyAnswer | None, drafts: tuple[msgspec.Raw, ...]) -> None:
    for resource in answer.resources if answer else ():
        head = read_head(resource)
        if head is not None and head.id is not None and head.id != patient_id:
            raise RequestError(
                400, "value", "prefetch.patient: is not the patient of context.patientId; no advice is given"
            )
    for draft in drafts:
        subject = _subject(draft)
        if subject is not None and subject != patient_id:
            raise RequestError(
                400, "value", "a draft order is not for the patient of context.patientId; no advice is given"
            )


def _subject(draft: msgspec.Raw) -> str | None:
    """The id of the Patient a draft is for; None when it does not say so in a way that can be compared."""
    try:
        read = msgspec.json.decode(draft, type=_Draft)
    except (msgspec.DecodeError, RecursionError):
        return None
    subject = read.subject or read.patient
    found = _REFERENCE.search(subject.reference) if subject is not None and subject.reference else None
    return found[2] if found is not None and found[1] == "Patient" else None


def _judged(envelope: Envelope, drafts: tuple[msgspec.Raw, ...]) -> frozenset[str] | None:
    if envelope.selections is None:
        return None
    present = {f"{head.resourceType}/{head.id}" for head in map(read_head, drafts) if head is not None}
    return frozenset(_relative(selection) for selection in envelope.selections) & present


def _relative(reference: str) -> str:
    found = _REFERENCE.search(reference)
    return f"{found[1]}/{found[2]}" if found else reference


def read_as_of(envelope: Envelope, now: datetime, sandbox: bool) -> datetime:
    """The evaluation time: the server's clock, or in the sandbox what the request says. Raises RequestError 400."""
    raw = envelope.extension.get(AS_OF_EXTENSION) if sandbox else None
    if raw is None or is_null(raw):
        return now
    try:
        as_of = datetime.fromisoformat(msgspec.json.decode(raw, type=str))
    except (msgspec.DecodeError, ValueError) as error:
        raise RequestError(400, "value", f"extension.{AS_OF_EXTENSION}: must be an ISO 8601 date and time") from error
    if as_of.tzinfo is None:
        raise RequestError(400, "value", f"extension.{AS_OF_EXTENSION}: must carry its offset, for example +01:00")
    if as_of.year not in AS_OF_YEARS:
        raise RequestError(400, "value", f"extension.{AS_OF_EXTENSION}: must lie between 1900 and 2199")
    return as_of
