"""The service with its store: overrides are remembered, cards flow without memory, feedback is on disk or refused."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.storage.database import FILE_NAME
from cds_service.storage.store import open_store
from cds_service.storage.switches import Switch, set_switch
from tests.http.client import Client
from tests.http.with_store import HIDDEN, SEVERE, Running, cards, runner, said
from tests.shipped import released


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Starts the service, and stops it."""
    return runner(tmp_path)


async def test_an_overridden_card_is_not_shown_again_and_the_answer_says_so(running: Running) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        leader, *others = cards(first)
        assert (await service.override(first.json["cards"][0])).status == 200
        again = await service.open_chart(SEVERE, user="Practitioner/two")
        assert cards(again) == others
        suppressed = {entry["rule"]: entry["reason"] for entry in said(again)["suppressed"]}
        assert suppressed[leader.split()[1]].startswith("overridden until 20")


async def test_an_override_survives_a_restart(running: Running) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        await service.override(first.json["cards"][0])
    async with running() as service:
        assert cards(await service.open_chart(SEVERE)) == cards(first)[1:]


async def test_an_accepted_card_and_an_override_of_an_unknown_card_suppress_nothing(running: Running) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": "x"}]}
        assert (await service.override(first.json["cards"][0], **accepted)).status == 200
        assert (await service.override({"uuid": "123456"})).status == 200
        assert cards(await service.open_chart(SEVERE)) == cards(first)


@pytest.mark.parametrize(("hours", "comes_again"), [(7, False), (9, True)])
async def test_an_override_counts_from_the_decision_and_not_from_the_clients_clock(
    running: Running, hours: int, comes_again: bool
) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        await service.override(first.json["cards"][0], outcomeTimestamp="2031-01-01T00:00:00Z")
        decided = datetime.fromisoformat(said(first)["as_of"])
        later = await service.open_chart(SEVERE, as_of=(decided + timedelta(hours=hours)).isoformat())
        assert (cards(first)[0] in cards(later)) is comes_again


async def test_an_educational_card_comes_once_per_patient_and_user(running: Running) -> None:
    async with running() as service:
        first = cards(await service.open_chart(HIDDEN))
        assert first
        await service.override({"uuid": "none"})  # waits until the cards are on disk
        again = await service.open_chart(HIDDEN)
        assert len(cards(again)) < len(first)
        assert any(entry["reason"].startswith("shown before until") for entry in said(again)["suppressed"])
        assert cards(await service.open_chart(HIDDEN, user="Practitioner/two")) == first


async def test_cards_without_an_id_are_kept_and_come_once_too(running: Running) -> None:
    async with running(profile="cds-hooks-1.0") as service:
        first = await service.open_chart(HIDDEN)
        assert not [card for card in first.json["cards"] if "uuid" in card]
        await service.override({"uuid": "none"})  # waits until the cards are on disk
        again = await service.open_chart(HIDDEN)
        assert len(cards(again)) < len(cards(first))


async def test_ready_says_that_storage_is_well(running: Running) -> None:
    async with running() as service:
        state = await service.ready()
        assert (state["status"], state["storage"]["state"], state["storage"]["dropped"]) == ("ready", "ready", 0)


async def test_without_storage_there_is_no_feedback_and_nothing_is_made(running: Running, tmp_path: Path) -> None:
    async with running(storage=False) as service:
        reply = await service.open_chart(SEVERE)
        assert "memory" not in said(reply)
        assert (await service.override(reply.json["cards"][0])).status == 404
        assert (await service.ready())["storage"]["state"] == "off"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", ["off", "silent"])
async def test_a_rule_that_was_switched_off_or_silent_shows_no_card(
    running: Running, tmp_path: Path, state: Any
) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        assert "mg-hypomagnesaemia" in cards(first)[0]
    store = open_store(None, data_dir=tmp_path)
    switch = Switch("default", "mg-hypomagnesaemia", state, "A. Pharmacist", "wrong unit", datetime.now(UTC))
    await set_switch(store.database, switch)
    await store.close()
    async with running() as service:
        reply = await service.open_chart(SEVERE, user="Practitioner/two")
        assert not any("mg-hypomagnesaemia" in line for line in cards(reply))
        suppressed = said(reply).get("suppressed", [])
        assert ({"rule": "mg-hypomagnesaemia", "reason": "silent"} in suppressed) is (state == "silent")
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        kept = database.execute("SELECT disposition FROM issued_card WHERE rule = 'mg-hypomagnesaemia' ORDER BY id")
        assert [row[0] for row in kept] == ["shown", *(["silent"] if state == "silent" else [])]


async def test_the_ledger_knows_the_cards_and_nobodys_id(running: Running, tmp_path: Path) -> None:
    async with running() as service:
        reply = await service.open_chart(SEVERE, user="Practitioner/one")
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        columns = "card, disposition, tenant, hook, patient, clinician"
        rows = database.execute(f"SELECT {columns} FROM issued_card").fetchall()  # noqa: S608
        prefetch = dict(database.execute("SELECT key, state FROM prefetch_count").fetchall())
    assert {row[0] for row in rows} == {card["uuid"] for card in reply.json["cards"]}
    assert {row[1:4] for row in rows} >= {("shown", "default", "patient-view"), ("absorbed", "default", "patient-view")}
    assert {len(row[4]) for row in rows} == {len(row[5]) for row in rows} == {64}
    assert {prefetch[key] for key in ("patient", "labsRare", "medications")} == {"data"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("ionwise-patient-view/feedback", {"feedback": []}, 200),
        ("ionwise-patient-view/feedback/", {"feedback": []}, 200),
        ("ionwise-patient-view/feedback", {"feedback": {}}, 400),
        ("ionwise-patient-view/feedback", {}, 400),
        ("ionwise-patient-view/feedback", {"feedback": [], "extension": {"org.ionwise.tenant": "north"}}, 400),
        ("other/feedback", {"feedback": []}, 404),
        ("ionwise-patient-view/feedback", {"feedback": [{"userComment": "x" * 1024 * 1024}]}, 413),
    ],
)
async def test_a_feedback_request_is_answered_as_it_deserves(
    running: Running, path: str, body: Any, status: int
) -> None:
    async with running() as service:
        reply = await service.post(path, body)
        assert reply.status == status
        assert reply.json == {} if status == 200 else reply.complaint


async def test_the_open_api_document_describes_feedback_where_there_is_any(tmp_path: Path) -> None:
    app = create_app(Settings(sandbox=True, storage=True, data_dir=tmp_path), released())
    document = (await Client(app).ask("GET", "/openapi.json", [b""], {})).json
    described = document["paths"]["/cds-services/{service_id}/feedback"]["post"]
    assert {"200", "400", "404", "413", "503"} <= set(described["responses"])
    assert "Feedback" in document["components"]["schemas"]
