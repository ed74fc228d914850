"""One firing of a hook, step by step: discovery, the patient's data, the call, the cards, feedback, the fixture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from secrets import randbelow
from typing import Any
from uuid import uuid4

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.ehr.cards import show_answer
from cds_service.ehr.credentials import Access, Clock, Signature
from cds_service.ehr.deidentify import AS_OF, Deidentified
from cds_service.ehr.feedback import accept_card, override_card, send_feedback
from cds_service.ehr.file_records import FileRecords, read_resources
from cds_service.ehr.hook_calls import (
    DRAFT_MEMBERS,
    Service,
    build_context,
    call_service,
    choose_service,
    discover,
    fill_prefetch,
    find_oddities,
)
from cds_service.ehr.records import is_refusal, matches
from cds_service.ehr.server_records import ServerRecords
from cds_service.ehr.wire import EXACT, WRITE, Wire, printable
from cds_service.errors import EhrError

ORDERS = ("MedicationRequest", "ServiceRequest")
LEAST_DAYS, MOST_DAYS = 30, 3650


class Shot(msgspec.Struct, frozen=True):
    """What is fired, and at whom.

    drafts          files with unsigned orders; `stored_drafts`: also those that the patient's records hold
    context         more members of the context, for hooks that need them
    give_access     pass the FHIR server's address (and our token for it) to the service
    """

    base: str
    hook: str
    patient_id: str
    user_id: str = "Practitioner/example"
    service_id: str | None = None
    encounter_id: str | None = None
    drafts: Sequence[Path] = ()
    stored_drafts: bool = False
    selections: Sequence[str] = ()
    context: Path | None = None
    prefetch: bool = True
    version: str = "2.0"
    as_of: datetime | None = None
    give_access: bool = False
    language: str = "en"


class Reaction(msgspec.Struct, frozen=True):
    """What the clinician does with the cards: suggestions to follow, cards to set aside, why; or `ask` one by one."""

    accept: Sequence[str] = ()
    override: Sequence[int] = ()
    reason: str | None = None
    comment: str | None = None
    ask: Callable[[int, Mapping[str, Any]], tuple[str, str | None]] | None = None


class Firing:
    """A client in front of one service, with one source of records."""

    def __init__(
        self,
        wire: Wire,
        records: FileRecords | ServerRecords,
        console: Console,
        clock: Clock,
        signature: Signature | None = None,
        access: Access | None = None,
    ) -> None:
        self._wire = wire
        self._records = records
        self._console = console
        self._clock = clock
        self._signature = signature
        self._access = access

    def request(self, shot: Shot) -> tuple[Service, dict[str, Any]]:
        """The service that is called and the body for it. Raises EhrError when either cannot be had."""
        service = choose_service(discover(self._wire, shot.base, self._sign), shot.hook, shot.service_id)
        context = self._context(shot)
        body: dict[str, Any] = {"hook": shot.hook, "hookInstance": str(uuid4()), "context": context}
        if shot.give_access:
            body |= self._given_access(shot.patient_id)
        if shot.prefetch and service.prefetch:
            today = (shot.as_of or self._clock()).date()
            prefetch = fill_prefetch(service, self._records, context, today, shot.version)
            for remark in prefetch.remarks:
                self._console.print(Text(f"! {printable(remark)}", style="yellow"))
            if prefetch.answers:
                body["prefetch"] = prefetch.answers
        if shot.as_of is not None:
            body["extension"] = {AS_OF: shot.as_of.isoformat()}
        return service, body

    def call(self, service: Service, body: Mapping[str, Any], language: str) -> dict[str, Any]:
        """Fire, and show what came back."""
        answer = call_service(self._wire, service, body, self._sign, language)
        self._console.print(*show_answer(service.hook, answer, language, set()), sep="\n")
        for oddity in find_oddities(answer):
            self._console.print(Text(f"! not as the standard says: {oddity}", style="yellow"))
        return answer

    def react(self, service: Service, answer: Mapping[str, Any], reaction: Reaction) -> None:
        """Send the feedback, if there is any. Raises EhrError when a card cannot be answered so."""
        now = self._clock()
        reports = [accept_card(answer, choice, now) for choice in reaction.accept]
        reports += [
            override_card(answer, number, reaction.reason, reaction.comment, now) for number in reaction.override
        ]
        if reaction.ask is not None:
            for number, card in enumerate(answer["cards"], 1):
                deed, detail = reaction.ask(number, card)
                if deed == "accept":
                    reports.append(accept_card(answer, f"{number}.{detail}" if detail else str(number), now))
                elif deed == "override":
                    reports.append(override_card(answer, number, detail, None, now))
        if reports:
            send_feedback(self._wire, service, reports, self._sign)
            self._console.print(f"feedback on {len(reports)} cards was taken")

    def save(self, path: Path, body: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Keep the exchange as a fixture without its patient. Raises EhrError when that cannot be done."""
        kept = Deidentified(body, -(LEAST_DAYS + randbelow(MOST_DAYS)), self._clock())
        kept.answered(answer)
        try:
            path.write_text(_as_text(kept.request) + "\n", encoding="utf-8")
        except OSError as error:
            raise EhrError(f"--save {path.name}: {error.strerror} -> name a file in a folder that exists") from error
        gone = ", ".join(f"{name} ({count})" for name, count in kept.left_out.most_common(8))
        self._console.print(f"saved without the patient: {path.name}; left out: {gone or 'nothing'}")

    def show_request(self, body: Mapping[str, Any]) -> None:
        """Print the body as sent, with the token in it hidden."""
        shown = dict(body)
        if "fhirAuthorization" in shown:
            shown["fhirAuthorization"] = shown["fhirAuthorization"] | {"access_token": "<token>"}
        self._console.print(Text(printable(_as_text(shown))))

    def show_times(self) -> None:
        """What was asked, with which status, and how long each step took."""
        table = Table(box=None, show_edge=False, pad_edge=False)
        table.add_column("step", style="dim")
        table.add_column("status", style="dim", justify="right")
        table.add_column("ms", style="dim", justify="right")
        for step in self._wire.steps:
            table.add_row(step.name, str(step.status or "-"), f"{1e3 * step.seconds:.0f}")
        table.add_row("together", "", f"{1e3 * sum(step.seconds for step in self._wire.steps):.0f}")
        self._console.print(table)

    def _sign(self, address: str) -> str | None:
        return None if self._signature is None else self._signature.token(address, self._clock())

    def _context(self, shot: Shot) -> dict[str, Any]:
        drafts = [order for path in shot.drafts for order in read_resources(path)]
        if shot.stored_drafts:
            drafts += self._stored_drafts(shot.patient_id)
        if shot.hook in DRAFT_MEMBERS and not drafts:
            raise EhrError(f"{shot.hook}: is about unsigned orders -> give --draft FILE or --stored-drafts")
        context = build_context(
            shot.hook, shot.patient_id, shot.user_id, shot.encounter_id, drafts, shot.selections
        )  # fmt: skip
        return context | (_read_object(shot.context) if shot.context else {})

    def _stored_drafts(self, patient_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for kind in ORDERS:
            answer = self._records.ask(f"{kind}?patient={patient_id}&status=draft", f"drafts {kind}")
            if is_refusal(answer):
                self._console.print(Text(f"! drafts: the server gives no draft {kind}", style="yellow"))
            found += [order for order in matches(answer) if order.get("status") == "draft"]
        return found

    def _given_access(self, patient_id: str) -> dict[str, Any]:
        if not isinstance(self._records, ServerRecords):
            raise EhrError("--give-access: the records are files -> name the FHIR server with --fhir")
        given: dict[str, Any] = {"fhirServer": self._records.base}
        if self._access is not None:
            self._wire.hide(self._access.token)
            given["fhirAuthorization"] = self._access.authorization(patient_id)
        return given


def _read_object(path: Path) -> dict[str, Any]:
    try:
        read = EXACT.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EhrError(f"{path.name}: cannot be read as JSON -> mend it") from error
    if not isinstance(read, dict):
        raise EhrError(f"{path.name}: must be a JSON object with members of the context")
    return read


def _as_text(value: Any) -> str:
    """Indented JSON that keeps every digit and every letter."""
    return msgspec.json.format(WRITE(value), indent=1).decode()
