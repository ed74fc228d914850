"""What a call does not bring is asked from its FHIR server: what, how, with which token, and when nothing is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.client import FhirClients
from cds_service.fhir.servers import FhirServer
from cds_service.service.envelope import decode_envelope
from cds_service.service.fetch import Fetcher, FetchLimits
from cds_service.service.gather import read_call
from cds_service.web.log import TextLines
from tests.faults.chart import AS_OF, CHART, PATIENT, find, prescription, product, searchset
from tests.faults.ehr import (
    KNOWLEDGE,
    TOKEN,
    Asked,
    Ehr,
    Service,
    advice,
    authorization,
    prefetch,
    request,
    running,
    tell_chart,
    unjudged,
    written,
)
from tests.http.client import Client, Reply

Play = Callable[[Ehr, Service], Awaitable[Any]]
Got = TypeVar("Got")
SUSPECT = "mg-hypomagnesaemia"


def play(scene: Callable[[Ehr, Service], Coroutine[Any, Any, Got]], ehr: Ehr | None = None, **settings: Any) -> Got:
    """A scene with a server and the service."""

    async def staged() -> Got:
        async with ehr or Ehr() as server, running(**settings) as service:
            return await scene(server, service)

    return asyncio.run(staged())


def without(*keys: str, hook: str = "patient-view") -> dict[str, Any]:
    """A prefetch that lacks some keys."""
    return {key: value for key, value in prefetch(hook).items() if key not in keys}


@pytest.mark.parametrize("hook", ["patient-view", "order-sign"])
def test_the_same_chart_gives_the_same_answer_by_prefetch_and_by_fetch(hook: str) -> None:
    """R-13, R-22."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply]:
        return await service.call(None, hook, prefetch=prefetch(hook)), await service.call(ehr.base, hook)

    sent, fetched = play(scene)
    assert sent.status == fetched.status == 200
    assert advice(sent) == advice(fetched) != []
    assert unjudged(sent) == unjudged(fetched)


def test_every_request_carries_the_token_and_none_its_patient_s_id_in_the_address_of_a_search() -> None:
    """S-30."""

    async def scene(ehr: Ehr, service: Service) -> list[Asked]:
        await service.call(ehr.base)
        return ehr.asked

    asked = play(scene)
    assert {one.token for one in asked} == {f"Bearer {TOKEN}"}
    assert [one.path for one in asked if one.method == "GET"] == [f"Patient/{PATIENT}"]
    assert len({(one.path, one.query) for one in asked}) == len(asked), "nothing is asked twice"


def test_an_open_server_is_asked_without_a_token() -> None:
    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, set[str | None]]:
        return await service.call(ehr.base, fhirAuthorization=None), {one.token for one in ehr.asked}

    reply, tokens = play(scene)
    assert (reply.status, tokens) == (200, {None})


def test_a_token_lives_for_its_call_only() -> None:
    """S-31: the next call brings its own, and what is kept of a server holds none."""

    async def scene(ehr: Ehr, service: Service) -> list[str | None]:
        await service.call(ehr.base)
        await service.call(ehr.base, fhirAuthorization=authorization(access_token="other"))
        await service.call(ehr.base, fhirAuthorization=None)
        return [one.token for one in ehr.asked if one.path.startswith("Patient/")]

    assert play(scene) == [f"Bearer {TOKEN}", "Bearer other", None]


def test_nothing_is_asked_after_the_answer() -> None:
    """S-31: a request that hangs is given up with its call."""

    async def scene(ehr: Ehr, service: Service) -> tuple[int, int]:
        async def hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await (asyncio.sleep(60) if asked.path == "Condition" else tell_chart(asked, writer))

        ehr.answer = hang
        reply = await service.call(ehr.base)
        before = len(ehr.asked)
        await asyncio.sleep(0.2)
        return reply.status, len(ehr.asked) - before

    assert play(scene, fetch_budget_ms=2000) == (200, 0)


@pytest.mark.parametrize("seconds", [0, -5])
def test_an_expired_token_is_not_used(seconds: int) -> None:
    """S-31."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, int]:
        return await service.call(ehr.base, fhirAuthorization=authorization(expires_in=seconds)), ehr.connections

    reply, connections = play(scene)
    assert (reply.status, connections) == (412, 0)
    assert "token-expired" in reply.complaint


def test_a_token_that_expires_on_the_way_is_not_used_any_more() -> None:
    """S-31: the second page comes too late."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, list[str]]:
        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.path == "Condition":
                await asyncio.sleep(3)
                writer.write(written(200, searchset([], link=[{"relation": "next", "url": f"{ehr.base}/Condition?2"}])))
            else:
                await tell_chart(asked, writer)

        ehr.answer = answer
        reply = await service.call(ehr.base, fhirAuthorization=authorization(expires_in=3))
        return reply, [one.query for one in ehr.asked if one.path == "Condition"]

    reply, conditions = play(scene)
    assert reply.status == 200
    assert len(conditions) == 1


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"patient": "somebody-else"}, "other-patient"),
        ({"token_type": "mac"}, "refused-token"),
        ({"access_token": "two words"}, "refused-token"),
        ({"access_token": "line\r\nX-Evil: 1"}, "refused-token"),
        ({"access_token": 5}, "refused-token"),
    ],
)
def test_a_token_that_is_not_for_this_is_not_used(members: dict[str, Any], told: str) -> None:
    """S-36, R-07: neither is the server then read without it."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply, int]:
        given = authorization(**members)
        required = await service.call(ehr.base, fhirAuthorization=given)
        other = await service.call(ehr.base, fhirAuthorization=given, prefetch=without("conditions"))
        return required, other, ehr.connections

    required, other, connections = play(scene)
    assert (required.status, other.status, connections) == (412, 200, 0)
    assert told in required.complaint
    assert f"conditions: not fetched ({told})" in unjudged(other)


@pytest.mark.parametrize("members", [{"patient": f"Patient/{PATIENT}"}, {"token_type": "bearer"}, {"token_type": None}])
def test_a_token_may_say_less_or_otherwise(members: dict[str, Any]) -> None:
    """R-07, R-08."""

    async def scene(ehr: Ehr, service: Service) -> int:
        return (await service.call(ehr.base, fhirAuthorization=authorization(**members))).status

    assert play(scene) == 200


@pytest.mark.parametrize("patient", ["p-67,p-99", "p-67&patient=p-99", "p-67|x", "..", "p 67", "p-67$everything"])
def test_an_id_that_would_change_a_query_is_not_asked_for(patient: str) -> None:
    """S-36."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, int]:
        context = {"userId": "Practitioner/u-1", "patientId": patient}
        given = authorization(patient=None)
        return await service.call(ehr.base, context=context, fhirAuthorization=given), ehr.connections

    reply, connections = play(scene)
    assert (reply.status, connections) == (412, 0)
    assert "unsafe-id" in reply.complaint


@pytest.mark.parametrize(
    ("listed", "told"),
    [([], "refused-server"), (["{base}/other"], "refused-server"), (["{base}"], ""), (["{base}/"], "")],
)
def test_of_a_client_with_a_list_only_listed_servers_are_read(listed: list[str], told: str) -> None:
    """S-32, S-34."""

    async def staged() -> tuple[KeyAnswer, int]:
        async with Ehr() as ehr:
            clients = FhirClients(sandbox=True)
            envelope = decode_envelope(orjson.dumps(request("patient-view", ehr.base)), "patient-view")
            plan = [entry for entry in KNOWLEDGE.key_plan if "patient-view" in entry.hooks]
            servers = [FhirServer(base.format(base=ehr.base)) for base in listed]
            call = read_call(envelope, plan, now=AS_OF)
            fetched = await Fetcher(clients, FetchLimits(20, 30)).complete(call, envelope, plan, servers, 0.0)
            await clients.aclose()
            return fetched.call.answers["patient"], ehr.connections

    answer, connections = asyncio.run(staged())
    assert answer.reason == told
    assert answer.state == ("not asked" if told else "complete")
    assert (connections == 0) is bool(told)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ftp://127.0.0.1/fhir", "refused-url"),
        ("http://me:secret@127.0.0.1:{port}/fhir", "refused-url"),
        ("http://127.0.0.1:{port}/fhir?x=1", "refused-url"),
        ("http://127.0.0.1:{port}/a/../fhir", "refused-url"),
        ("http://127.0.0.1:{port}/fhir%2f..", "refused-url"),
        ("nonsense", "refused-url"),
        ("http://2130706433:{port}/fhir", "refused-address"),
        ("http://169.254.169.254/fhir", "refused-address"),
    ],
)
def test_an_address_that_is_none_is_not_called(address: str, told: str) -> None:
    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, int]:
        return await service.call(address.format(port=ehr.port)), ehr.connections

    reply, connections = play(scene)
    assert (reply.status, connections) == (412, 0)
    assert told in reply.complaint


def test_what_was_delivered_is_not_asked_for() -> None:
    async def scene(ehr: Ehr, service: Service) -> int:
        await service.call(ehr.base, prefetch=prefetch())
        return ehr.connections

    assert play(scene) == 0


def test_null_is_an_answer_and_so_is_a_failure() -> None:
    """R-15, R-17: neither is asked for again."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, list[str]]:
        sent = without("procedures") | {"conditions": outcome, "medicationsPast": None}
        reply = await service.call(ehr.base, prefetch=sent)
        return reply, [one.path for one in ehr.asked]

    reply, asked = play(scene)
    assert (reply.status, asked) == (200, ["Procedure"])
    assert "conditions" in unjudged(reply)


def test_what_the_ehr_is_known_not_to_have_is_not_asked_for() -> None:
    async def scene(ehr: Ehr, service: Service) -> set[str]:
        await service.call(ehr.base)
        return {one.path for one in ehr.asked}

    assert "MedicationStatement" not in play(scene, absent_sources=("medicationStatements",))


def test_a_request_about_two_patients_is_refused_before_anything_is_asked() -> None:
    async def scene(ehr: Ehr, service: Service) -> tuple[int, int]:
        wrong = {"patient": {"resourceType": "Patient", "id": "p-99"}}
        return (await service.call(ehr.base, prefetch=wrong)).status, ehr.connections

    assert play(scene) == (400, 0)


def test_the_rest_of_a_delivered_page_is_fetched() -> None:
    """R-20: from the same server only."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply, Reply, int]:
        whole = prefetch()["conditions"]
        cut = searchset([], total=1, link=[{"relation": "next", "url": f"{ehr.base}/Condition?patient={PATIENT}"}])
        elsewhere = cut | {"link": [{"relation": "next", "url": "http://127.0.0.2/fhir/Condition?page=2"}]}
        replies = [
            await service.call(ehr.base, prefetch=prefetch() | {"conditions": sent}) for sent in (whole, cut, elsewhere)
        ]
        return replies[0], replies[1], replies[2], len(ehr.asked)

    whole, continued, elsewhere, asked = play(scene)
    assert asked == 1
    assert advice(whole) == advice(continued)
    assert unjudged(whole) == unjudged(continued) == set()
    assert any("the rest not fetched (elsewhere)" in item for item in unjudged(elsewhere))


def test_pages_are_put_together() -> None:
    async def paged(asked: Asked, writer: asyncio.StreamWriter) -> None:
        found = find(asked.path, asked.query)
        assert found is not None
        if found["resourceType"] == "Bundle" and len(found["entry"]) > 1 and "_page" not in asked.query:
            url = f"{asked.path}?{asked.query}&_page=2"
            found = found | {"entry": found["entry"][:1], "link": [{"relation": "next", "url": url}]}
        elif found["resourceType"] == "Bundle":
            found = found | {"entry": found["entry"][1:] if "_page" in asked.query else found["entry"]}
        writer.write(written(200, found))

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply]:
        return await service.call(None, prefetch=prefetch()), await service.call(ehr.base)

    sent, fetched = play(scene, Ehr(paged))
    assert advice(sent) == advice(fetched)
    assert unjudged(fetched) == set()


def test_a_server_without_post_is_asked_by_get_from_then_on() -> None:
    async def only_get(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.method == "POST":
            writer.write(written(405))
        else:
            await tell_chart(asked, writer)

    async def scene(ehr: Ehr, service: Service) -> tuple[list[str], list[str], Reply]:
        await service.call(ehr.base)
        first = len(ehr.asked)
        reply = await service.call(ehr.base)
        methods = [one.method for one in ehr.asked]
        return methods[:first], methods[first:], reply

    first, second, reply = play(scene, Ehr(only_get))
    assert first.count("POST") > 0
    assert set(second) == {"GET"}
    assert advice(reply)


def test_a_search_that_is_refused_late_is_asked_by_get_as_the_others_are() -> None:
    """The server takes longer to refuse one POST than to answer the GET that follows another one."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, dict[str, int]]:
        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.method != "POST":
                await tell_chart(asked, writer)
                return
            while asked.path == "Condition" and not any(other.method == "GET" and other.query for other in ehr.asked):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            writer.write(written(405))

        ehr.answer = answer
        return await service.call(ehr.base), service.failures

    reply, outcomes = play(scene)
    assert (reply.status, list(outcomes)) == (200, ["ok"])


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says_when(status: int) -> None:
    async def busy_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path == "Condition" and not seen:
            seen.append(asked)
            writer.write(written(status, retry_after="0"))
        else:
            await tell_chart(asked, writer)

    seen: list[Asked] = []

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, dict[str, int]]:
        return await service.call(ehr.base), service.failures

    reply, failures = play(scene, Ehr(busy_once))
    assert (unjudged(reply), set(failures)) == (set(), {"ok"})


def test_another_refusal_is_not_asked_twice() -> None:
    async def forbidden(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path == "Condition":
            writer.write(written(403, retry_after="0"))
        else:
            await tell_chart(asked, writer)

    async def scene(ehr: Ehr, service: Service) -> int:
        await service.call(ehr.base)
        return [one.path for one in ehr.asked].count("Condition")

    assert play(scene, Ehr(forbidden)) == 1


def test_a_kept_connection_that_the_server_closed_is_opened_again() -> None:
    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply]:
        async def once(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await tell_chart(asked, writer)
            await writer.drain()
            writer.close()

        ehr.answer = once
        return await service.call(ehr.base), await service.call(ehr.base)

    first, second = play(scene)
    assert advice(first) == advice(second) != []


def test_one_answer_without_end_leaves_room_for_the_others() -> None:
    flooded = asyncio.Event()

    async def flood(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path != "Condition":
            await flooded.wait()
            await tell_chart(asked, writer)
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            for _piece in range(1000):
                writer.write(b" " * 65536)
                await writer.drain()
        finally:
            flooded.set()

    async def scene(ehr: Ehr, service: Service) -> Reply:
        return await service.call(ehr.base)

    reply = play(scene, Ehr(flood), max_body_bytes=2**20)
    assert reply.status == 200
    assert (SUSPECT, "critical") in {card[:2] for card in advice(reply)}
    assert "conditions: not fetched (too-large)" in unjudged(reply)


def test_connections_are_kept() -> None:
    async def scene(ehr: Ehr, service: Service) -> tuple[int, int]:
        for _ in range(10):
            await service.call(ehr.base)
        return len(ehr.asked), ehr.connections

    asked, connections = play(scene)
    assert connections <= 10 < asked // 10 * 2


def test_medications_are_asked_for_once_and_together() -> None:
    async def scene(ehr: Ehr, service: Service) -> list[tuple[str, str]]:
        await service.call(ehr.base)
        return [(one.path, one.query) for one in ehr.asked if one.path.startswith("Medication") and "_id" in one.query]

    assert play(scene) == [("Medication", "_id=om-1%2Cdi-2&_count=2")]


def test_medications_are_read_singly_where_they_cannot_be_searched() -> None:
    async def no_search(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path == "Medication":
            writer.write(written(400))
        else:
            await tell_chart(asked, writer)

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, list[str]]:
        reply = await service.call(ehr.base)
        return reply, sorted(one.path for one in ehr.asked if one.path.startswith("Medication/"))

    reply, asked = play(scene, Ehr(no_search))
    assert asked == ["Medication/di-2", "Medication/om-1"]
    assert "digoxin-low-mg-k" in {rule for rule, *_ in advice(reply)}


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.2/fhir/Medication/x-1", "urn:uuid:x-1", "#x-1", "Medication/x,1", "Substance/x-1", ""]
)
def test_a_reference_elsewhere_is_not_followed(reference: str) -> None:
    """S-33."""

    async def scene(ehr: Ehr, service: Service) -> tuple[int, int]:
        sent = prefetch()
        sent["medications"]["entry"].append({"resource": prescription(5, medicationReference={"reference": reference})})
        return (await service.call(ehr.base, prefetch=sent)).status, ehr.connections

    assert play(scene) == (200, 0)


def test_an_absolute_reference_to_the_same_server_is_followed() -> None:
    async def scene(ehr: Ehr, service: Service) -> list[str]:
        sent = prefetch()
        far = prescription(5, medicationReference={"reference": f"{ehr.base}/Medication/far-5/_history/2"})
        sent["medications"]["entry"].append({"resource": far})
        await service.call(f"{ehr.base}/", prefetch=sent)
        return [one.query for one in ehr.asked]

    assert play(scene) == ["_id=far-5&_count=1"]


def test_the_medications_of_a_complete_prefetch_are_fetched_too() -> None:
    """Epic sends prescriptions with a reference and a display."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, list[str]]:
        sent = prefetch()
        entries = [e for e in sent["medications"]["entry"] if e["resource"]["resourceType"] == "MedicationRequest"]
        reply = await service.call(ehr.base, prefetch=sent | {"medications": sent["medications"] | {"entry": entries}})
        return reply, [one.path for one in ehr.asked]

    reply, asked = play(scene)
    assert asked == ["Medication"]
    assert "digoxin-low-mg-k" in {rule for rule, *_ in advice(reply)}


def test_the_medication_of_a_draft_is_fetched() -> None:
    draft = prescription(9, medicationReference={"reference": "Medication/ci-9"}) | {"id": "dr-9", "status": "draft"}

    async def also_ciprofloxacin(asked: Asked, writer: asyncio.StreamWriter) -> None:
        chart = [*CHART, product("ci-9", "J01MA02", "Ciprofloxacin 500 mg tablet")]
        writer.write(written(200, find(asked.path, asked.query, chart)))

    async def scene(ehr: Ehr, service: Service) -> set[str]:
        drafts = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
        context = {"userId": "Practitioner/u-1", "patientId": PATIENT, "draftOrders": drafts}
        reply = await service.call(ehr.base, "order-sign", context=context, prefetch=prefetch("order-sign"))
        assert reply.status == 200
        return {one.query for one in ehr.asked}

    assert play(scene, Ehr(also_ciprofloxacin)) == {"_id=ci-9&_count=1"}


def test_other_calls_are_answered_while_one_waits_for_its_server() -> None:
    """Nothing blocks the event loop: the server answers only after somebody else was."""
    go_on = asyncio.Event()

    async def wait(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await tell_chart(asked, writer)

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, Reply]:
        slow = asyncio.create_task(service.call(ehr.base))
        while len(ehr.asked) < 10:
            await asyncio.sleep(0)
        quick = await service.call(None, prefetch=prefetch())
        go_on.set()
        return quick, await slow

    quick, slow = play(scene, Ehr(wait))
    assert advice(quick) == advice(slow)


def test_a_call_that_arrived_slowly_fetches_less() -> None:
    """S-35: the response budget holds for the whole call; here the body takes more than all of it."""

    async def scene(ehr: Ehr, service: Service) -> tuple[Reply, int]:
        async def behind_a_slow_line(scope: Scope, receive: Receive, send: Send) -> None:
            async def slowly() -> Message:
                await asyncio.sleep(0.1)
                return await receive()

            await service.app(scope, slowly, send)

        reply = await Service(service.app, Client(behind_a_slow_line)).call(ehr.base)
        return reply, ehr.connections

    reply, connections = play(scene, fetch_budget_ms=40, response_budget_ms=50)
    assert (reply.status, connections) == (412, 0)
    assert "timeout" in reply.complaint


def test_what_was_fetched_is_not_kept_and_no_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """S-31, S-38: log lines at every level name keys and failures only."""
    caplog.set_level(logging.DEBUG)

    async def scene(ehr: Ehr, service: Service) -> list[str]:
        await service.call(ehr.base)
        await service.call("http://127.0.0.1:1/fhir")
        return [TextLines().format(record) for record in caplog.records]

    told = play(scene)
    assert any("patient:connect" in line for line in told)
    assert not [line for line in told if TOKEN in line or PATIENT in line or "127.0.0.1" in line]
