"""What a client is makes a difference in the decision: its tenant, its EHR's profile, its name in the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service.app import create_app
from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.storage.database import FILE_NAME, Database
from cds_service.storage.tables import feedback, issued_card
from tests.fixtures.service import FIXTURES, gist
from tests.http.client import Client, Reply
from tests.http.trusted import PATIENT_VIEW, production, signed
from tests.shipped import released
from tests.unit.trust.signer import Signer, entry

RECORDED = (FIXTURES / "hooks/patient-view/severe_hypomagnesaemia_on_a_ppi.json").read_bytes()
REQUEST = {name: value for name, value in orjson.loads(RECORDED).items() if name != "extension"}
OTHER = Signer(issuer="https://other.example", number=3)
DISCOVERY = "/cds-services"


def other(folder: Path, **members: Any) -> dict[str, Any]:
    """A second client."""
    return entry(folder, OTHER, name="other", issuer=OTHER.issuer, **members)


def ask(client: Client, signer: Signer | None = None, **claims: Any) -> Reply:
    """The recorded request; its results are old for the service's clock."""
    return client.post(PATIENT_VIEW, REQUEST, signed(signer=signer, **claims))


def overlays(folder: Path, **texts: str) -> Path:
    """A folder of overlays."""
    place = folder / "tenants"
    place.mkdir(exist_ok=True)
    for name, text in texts.items():
        (place / f"{name}.yaml").write_text(text, "utf-8")
    return place


def overlay_of(reply: Reply) -> str:
    """The hash of the overlay that decided."""
    assert reply.status == 200, reply.body
    return str(reply.json["extension"]["org.ionwise.decision"]["overlay_hash"])


def test_s_16_the_tenant_is_the_claims_when_it_is_on_the_clients_list(tmp_path: Path) -> None:
    """S-16: the tenant claim is checked against the list; unknown or, among several, missing: 401."""
    place = overlays(tmp_path, north="off: [mg-hypomagnesaemia]\n", south="languages: [nl]\n", west="languages: [en]\n")
    both = entry(tmp_path, Signer(), tenants=["north", "south"], tenant_claims={"urn:oid:1.2.3": "south"})
    client = Client(
        create_app(Settings(**production(tmp_path, both, other(tmp_path, tenants=["west"]), tenants_dir=place)))
    )
    north, south = (overlay_of(ask(client, tenant=name)) for name in ("north", "south"))
    assert len({north, south, overlay_of(ask(client, OTHER))}) == 3
    assert overlay_of(ask(client, tenant="urn:oid:1.2.3")) == south
    assert overlay_of(ask(client, OTHER, tenant="west")) not in (north, south)
    assert [ask(client, tenant=name).status for name in ("west", "East", None)] == [401] * 3
    assert ask(client, OTHER, tenant="north").status == 401
    named = REQUEST | {"extension": {"org.ionwise.tenant": "north"}}
    assert overlay_of(client.post(PATIENT_VIEW, named, signed(tenant="south"))) == south


def test_s_16_a_reload_that_takes_a_tenant_away_takes_its_clients_calls_too(tmp_path: Path) -> None:
    """S-16: unknown tenant: 401, also when the clients file still names it."""
    place = overlays(tmp_path, north="{}\n", south="{}\n")
    both = entry(tmp_path, Signer(), tenants=["north", "south"])
    app = create_app(Settings(**production(tmp_path, both, tenants_dir=place)))
    (place / "south.yaml").unlink()
    assert not app.state.tenancy.reload()  # the clients file names a tenant that is gone
    assert ask(Client(app), tenant="north").status == 200
    assert ask(Client(app), tenant="south").status == 401


def test_a_tenant_that_is_not_served_stops_the_start_with_its_line(tmp_path: Path) -> None:
    given = production(tmp_path, entry(tmp_path, Signer(), tenants=["nowhere"]))
    with pytest.raises(SettingsError, match=r"clients.yaml:1: \[clients\] tenant nowhere is not served -> name one of"):
        create_app(Settings(**given))


def test_the_profile_is_the_clients(tmp_path: Path) -> None:
    epic = entry(tmp_path, Signer(), profile="epic")
    given = production(tmp_path, epic, other(tmp_path), protect_discovery=True)
    client = Client(create_app(Settings(**given), released()))
    codes = [topics(ask(client, signer)) for signer in (Signer(), OTHER)]
    assert codes[0] == [code.replace("-", "") for code in codes[1]]
    assert any("-" in code for code in codes[1])
    plans = [
        client.call("GET", DISCOVERY, headers=signed(DISCOVERY, signer)).json["services"][0]["prefetch"]
        for signer in (Signer(), OTHER)
    ]
    assert "medicationStatements" not in plans[0]
    assert "medicationStatements" in plans[1]


def topics(reply: Reply) -> list[str]:
    """The topics of the cards."""
    return [card["source"]["topic"]["code"] for card in reply.json["cards"]]


def test_the_decision_extension_is_sent_to_who_wants_it(tmp_path: Path) -> None:
    quiet = entry(tmp_path, Signer(), decision_extension=False)
    client = Client(create_app(Settings(**production(tmp_path, quiet, other(tmp_path))), released()))
    assert "extension" not in ask(client).json
    assert "extension" in ask(client, OTHER).json


def test_clients_that_are_answered_alike_share_what_was_prepared(tmp_path: Path) -> None:
    app = create_app(Settings(**production(tmp_path, entry(tmp_path, Signer()), other(tmp_path))), released())
    table = app.state.tenancy.sites.table
    assert table.as_seen["ehr", "default"] is table.as_seen["other", "default"] is table.by_name["default"]


@pytest.mark.anyio
async def test_the_ledger_names_the_client_and_a_client_reports_on_its_own_cards_only(tmp_path: Path) -> None:
    given = production(tmp_path, entry(tmp_path, Signer()), other(tmp_path), memory_budget_ms=5000)
    app = create_app(Settings(**given), released())
    client = Client(app)

    async def call(path: str, body: Any, signer: Signer) -> Reply:
        return await client.ask("POST", path, [json.dumps(body).encode()], signed(path, signer))

    async def report(reply: Reply, signer: Signer) -> int:
        item = {
            "card": reply.json["cards"][0]["uuid"],
            "outcome": "overridden",
            "outcomeTimestamp": "2026-11-21T09:00:00Z",
        }
        return (await call(f"{PATIENT_VIEW}/feedback", {"feedback": [item]}, signer)).status

    async with app.router.lifespan_context(app):
        first = await call(PATIENT_VIEW, REQUEST, Signer())
        assert await report(first, OTHER) == 200
        again = await call(PATIENT_VIEW, REQUEST, Signer())
        assert [gist(card) for card in again.json["cards"]] == [gist(card) for card in first.json["cards"]]
        assert await report(again, Signer()) == 200
        last = await call(PATIENT_VIEW, REQUEST, Signer())
        assert gist(first.json["cards"][0]) not in [gist(card) for card in last.json["cards"]]
    database = Database(tmp_path / "data" / FILE_NAME)
    await database.prepare()
    issued = await database.fetch(issued_card.select())
    reported = await database.fetch(feedback.select())
    await database.close()
    assert {row.client for row in issued} == {"ehr"}
    assert sorted(row.client for row in reported) == ["ehr", "other"]
