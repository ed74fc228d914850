"""The kill switch: latest wins, the stricter of general and own, seen by running processes, kept over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.storage import switches
from cds_service.storage.store import Store, open_store
from cds_service.storage.switches import EVERY, State, Switch, set_switch
from cds_service.storage.tables import rule_switch
from tests.storage.samples import NOW, rows, until
from tests.storage.trouble import locked

pytestmark = pytest.mark.anyio


async def switch(store: Store, state: State, rule: str = "mg-low", tenant: str = "t") -> None:
    """Set a switch and read them all."""
    await set_switch(store.database, Switch(tenant, rule, state, "pharmacist", "too many", NOW))
    assert await store.refresh_switches()


async def test_without_a_switch_a_rule_is_on(store: Store) -> None:
    assert store.switches("t").state("mg-low") == "on"


async def test_the_latest_switch_counts_and_all_are_kept(store: Store) -> None:
    for state in ("off", "silent", "on", "silent"):
        await switch(store, state)
        assert store.switches("t").state("mg-low") == state
    kept = await rows(store, rule_switch)
    assert [row.state for row in kept] == ["off", "silent", "on", "silent"]
    assert {(row.author, row.reason, row.at) for row in kept} == {("pharmacist", "too many", NOW)}


async def test_a_switch_is_about_one_tenant_and_one_rule(store: Store) -> None:
    await switch(store, "off")
    assert store.switches("other").state("mg-low") == "on"
    assert store.switches("t").state("k-low") == "on"


@pytest.mark.parametrize(
    ("general", "own", "expected"),
    [("off", "on", "off"), ("silent", "off", "off"), ("on", "silent", "silent"), ("silent", "on", "silent")],
)
@pytest.mark.parametrize(("rule", "tenant"), [("mg-low", EVERY), (EVERY, "t"), (EVERY, EVERY)])
async def test_of_a_general_and_an_own_switch_the_stricter_counts(
    store: Store, general: State, own: State, expected: State, rule: str, tenant: str
) -> None:
    await switch(store, general, rule, tenant)
    await switch(store, own)
    assert store.switches("t").state("mg-low") == expected


async def test_a_running_process_follows_by_itself(
    url: str, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert switches.REFRESH_SECONDS <= 30
    monkeypatch.setattr(switches, "REFRESH_SECONDS", 0.05)
    other = open_store(url, data_dir=tmp_path)
    await other.start()
    await switch(store, "off")
    await until(lambda: other.switches("t").state("mg-low") == "off")
    await other.close()


async def test_switches_survive_a_restart(url: str, tmp_path: Path, store: Store) -> None:
    await switch(store, "off")
    again = open_store(url, data_dir=tmp_path)
    await again.start()
    assert again.switches("t").state("mg-low") == "off"
    await again.close()


async def test_while_the_database_is_away_the_last_known_switches_stay(url: str, tmp_path: Path, store: Store) -> None:
    await switch(store, "off")
    async with locked(url):
        await store.database.close()  # every further read finds no database
        assert not await store.refresh_switches()
        assert store.switches("t").state("mg-low") == "off"
