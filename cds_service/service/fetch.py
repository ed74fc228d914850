"""What a call did not bring is asked from its FHIR server: all needs at once, inside one span of time.

Asked for are the keys that were not delivered (null is an answer, a failure too), the rest of delivered pages that were
cut, and Medications that prescriptions refer to. A need that fails costs itself only; nothing here fails a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

import anyio
import msgspec

from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.client import Access, FhirClient, FhirClients
from cds_service.fhir.failures import Failure, OutboundError, Outcomes
from cds_service.fhir.outbound import Room
from cds_service.fhir.pages import Pages, next_link, read_page
from cds_service.fhir.prefetch import NOT_ASKED
from cds_service.fhir.products import PRODUCT, batches, missing_products
from cds_service.fhir.queries import Query, fill
from cds_service.fhir.read.references import heading_of
from cds_service.fhir.servers import FhirServer, choose_server, read_base
from cds_service.knowledge.model import KeyPlanEntry
from cds_service.service.authorization import read_authorization
from cds_service.service.envelope import Envelope

log = logging.getLogger("ionwise.fetch")
Answers = Mapping[str, KeyAnswer]

_PRESCRIPTIONS = frozenset({"MedicationRequest", "MedicationStatement"})
_PRODUCTS = KeyPlanEntry("products", PRODUCT, {}, {}, PRODUCT)
_MOST_SINGLE_READS = 50
_INLINE_BYTES = 1024 * 1024


class FetchLimits(msgspec.Struct, frozen=True):
    """seconds: for fetching. response_seconds: for the whole call, from its arrival. room: bytes of all answers."""

    seconds: float = 2.5
    response_seconds: float = 5.0
    room: int = 16 * 1024 * 1024


class Errand(msgspec.Struct, frozen=True):
    """One need: a query, or a delivered page (`sent`) whose rest is wanted."""

    entry: KeyPlanEntry
    query: Query | None = None
    sent: msgspec.Raw | None = None


class Fetched(msgspec.Struct, frozen=True):
    """A call completed as far as could be, and how many bytes came for it."""

    call: Call
    size: int = 0


class Fetcher:
    """Completes calls; `clients` are the pooled connections, which belong to whoever made them."""

    def __init__(self, clients: FhirClients, limits: FetchLimits) -> None:
        self._clients = clients
        self._limits = limits

    @property
    def outcomes(self) -> Outcomes:
        """How requests and needs ended since the start."""
        return self._clients.outcomes

    async def complete(
        self,
        call: Call,
        envelope: Envelope,
        plan: Sequence[KeyPlanEntry],
        servers: Sequence[FhirServer] | None,
        elapsed: float,
    ) -> Fetched:
        """The call with all that its FHIR server gave in time; a key that could not be fetched says why.

        servers: those that the caller may have read; None, in the sandbox, is any. elapsed: seconds since the call
        arrived. Never raises but when cancelled; nothing is asked any more after it returned.
        """
        named = envelope.fhir_server or ""
        shelves = [entry.key for entry in plan if entry.resource in _PRESCRIPTIONS]
        prescribed = [call.answers[key] for key in shelves]
        room = Room(self._limits.room)
        try:
            errands = tuple(_errands(call, envelope, plan))
            if not errands and not missing_products(prescribed, call.drafts, named.rstrip("/")):
                return Fetched(call)
            access = self._access(call, envelope, room, elapsed)
            async with self._clients.of(_server(named, servers)) as client:
                found = await _Trip(client, access, call, self._clients.outcomes).run(errands, shelves)
        except OutboundError as error:
            untold = msgspec.structs.replace(NOT_ASKED, reason=error.failure)
            found = {key: untold for key, answer in call.answers.items() if answer.state == "not asked"}
            self._clients.outcomes.keys[error.failure] += len(found)
        _report(call.hook, found)
        return Fetched(msgspec.structs.replace(call, answers={**call.answers, **found}), room.taken)

    def _access(self, call: Call, envelope: Envelope, room: Room, elapsed: float) -> Access:
        """Raises OutboundError for a token that is of no use here, and when there is no time left."""
        authorization = read_authorization(envelope.authorization)
        if authorization.patient not in (None, call.patient_id):
            raise OutboundError(Failure.OTHER_PATIENT)
        now = asyncio.get_running_loop().time()
        seconds = min(self._limits.seconds, self._limits.response_seconds - elapsed)
        if seconds <= 0:
            raise OutboundError(Failure.TIMEOUT)
        lifetime = authorization.expires_in
        expires = None if lifetime is None else now - elapsed + lifetime
        access = Access(authorization.token, now + seconds, expires, room)
        access.headers(now)
        return access


def _report(hook: str, found: Answers) -> None:
    """A log line that names the keys that failed."""
    failed = ",".join(f"{key}:{answer.reason}" for key, answer in found.items() if answer.reason)
    level = logging.INFO if failed else logging.DEBUG
    log.log(level, "fetch", extra={"hook": hook, "reason": failed or "none"})


def _errands(call: Call, envelope: Envelope, plan: Sequence[KeyPlanEntry]) -> Iterator[Errand]:
    """Raises OutboundError for an id that would change the meaning of a query."""
    context = {"patientId": call.patient_id, "encounterId": call.encounter_id}
    for entry in plan:
        state, sent = call.answers[entry.key].state, envelope.prefetch.get(entry.key)
        if state == "not asked":
            query = fill(entry, context)
            if query is not None:
                yield Errand(entry, query)
        elif state == "truncated" and sent is not None and next_link(sent):
            yield Errand(entry, sent=sent)


def _server(named: str, servers: Sequence[FhirServer] | None) -> FhirServer:
    """The server that a call names. Raises OutboundError when the caller may not have it read."""
    return FhirServer(str(read_base(named))) if servers is None else choose_server(named, servers)


class _Trip:
    """What one call asks of one server."""

    def __init__(self, client: FhirClient, access: Access, call: Call, outcomes: Outcomes) -> None:
        self._client = client
        self._access = access
        self._call = call
        self._outcomes = outcomes

    async def run(self, errands: Sequence[Errand], shelves: Sequence[str]) -> dict[str, KeyAnswer]:
        """What the errands brought, by key. Medications go with the first of the shelves: the keys of prescriptions."""
        async with asyncio.TaskGroup() as group:
            tasks = {errand.entry.key: group.create_task(self._need(errand)) for errand in errands}
            fetching = group.create_task(self._products(shelves, tasks))
        answers = self._call.answers
        found = {key: _kept(task.result(), answers[key]) for key, task in tasks.items()}
        products = fetching.result()
        if products:
            first = found.get(shelves[0], answers[shelves[0]])
            found[shelves[0]] = msgspec.structs.replace(first, included=(*first.included, *products))
        return found

    async def _need(self, errand: Errand) -> KeyAnswer:
        """One key's answer, as far as it came in time. Never raises but when cancelled."""
        read = errand.query.path.rpartition("/")[2] if errand.query is not None and errand.query.is_read else None
        pages = Pages(errand.entry, read)
        stopped: Failure | None = None
        # Not asyncio's timeout: that would reach into the shielded blocks in which httpcore cleans its pool up.
        with anyio.CancelScope(deadline=self._access.deadline) as span:
            try:
                await self._all_pages(errand, pages)
            except OutboundError as error:
                stopped = error.failure
            except Exception as error:  # one need must not fail the call
                log.error("fetch crashed", extra={"error": type(error).__name__})
                stopped = Failure.CRASH
        if span.cancelled_caught:
            stopped = Failure.TIMEOUT
        self._outcomes.keys[stopped or "ok"] += 1
        return pages.answer(stopped)

    async def _all_pages(self, errand: Errand, pages: Pages) -> None:
        client, access = self._client, self._access.for_one_need()
        if errand.query is None:
            place, body = f"{client.root}/", errand.sent or b""
        else:
            place, body = await client.ask(errand.query, access)
        seen: set[str] = set()
        while True:
            aside = len(memoryview(body)) > _INLINE_BYTES
            page = await asyncio.to_thread(read_page, body, errand.entry) if aside else read_page(body, errand.entry)
            link = pages.add(page)
            if link is None:
                return
            if not link or link in seen:
                raise OutboundError(Failure.TOO_MANY if link else Failure.ELSEWHERE)
            seen.add(link)
            place, body = await client.follow(link, place, access)

    async def _products(
        self, shelves: Sequence[str], tasks: Mapping[str, asyncio.Task[KeyAnswer]]
    ) -> tuple[msgspec.Raw, ...]:
        """The Medications that nothing delivered, as soon as it is known which: many at a time, singly if refused."""
        answers = self._call.answers
        prescribed = [await tasks[key] if key in tasks else answers[key] for key in shelves]
        wanted = missing_products(prescribed, self._call.drafts, self._client.root)
        found = await self._needs(Errand(_PRODUCTS, query) for query in batches(wanted))
        if any(answer.state != "complete" for answer in found):
            held = {heading_of(raw).id for answer in found for raw in answer.resources}
            left = [product for product in wanted if product not in held][:_MOST_SINGLE_READS]
            found += await self._needs(Errand(_PRODUCTS, Query(f"{PRODUCT}/{product}")) for product in left)
        return tuple(raw for answer in found for raw in answer.resources)

    async def _needs(self, errands: Iterable[Errand]) -> list[KeyAnswer]:
        return await asyncio.gather(*map(self._need, errands))


def _kept(fetched: KeyAnswer, delivered: KeyAnswer) -> KeyAnswer:
    """A delivered page whose rest could not be fetched stays as it was, and says why."""
    if delivered.state == "truncated" and fetched.reason:
        return msgspec.structs.replace(delivered, reason=fetched.reason)
    return fetched
