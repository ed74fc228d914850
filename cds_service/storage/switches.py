"""The kill switch: rules set to off or silent while the service runs. Append-only; the latest word per rule counts.

Every process reads the table again every REFRESH_SECONDS, so all of them follow well within a minute. While the
database is away the last known switches stay in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from cds_service.errors import StorageError
from cds_service.storage.audit import Event, Trail
from cds_service.storage.database import Database
from cds_service.storage.instants import read_instant
from cds_service.storage.records import clip

log = logging.getLogger("ionwise.storage")
State = Literal["on", "silent", "off"]
EVERY = "*"  # as a tenant: every tenant; as a rule: every rule
REFRESH_SECONDS = 20.0
RETRY_SECONDS = 2.0
READ_SECONDS = 5.0
LONGEST_TEXT = 500
_RANK: dict[State, int] = {"on": 0, "silent": 1, "off": 2}


_CURRENT = """SELECT tenant, rule, state, author, reason, at FROM rule_switch AS one WHERE NOT EXISTS (
    SELECT 1 FROM rule_switch AS later WHERE later.tenant = one.tenant AND later.rule = one.rule AND later.id > one.id
) ORDER BY tenant, rule"""


class Switchboard(msgspec.Struct, frozen=True):
    """The switches that one tenant's decisions follow."""

    states: Mapping[str, State] = {}

    def state(self, rule: str) -> State:
        """The stricter of the rule's own switch and the one for every rule; `on` when nobody switched anything."""
        if not self.states:
            return "on"
        return stricter(self.states.get(rule, "on"), self.states.get(EVERY, "on"))


class Switch(msgspec.Struct, frozen=True):
    """One entry of the table as written."""

    tenant: str
    rule: str
    state: State
    author: str
    reason: str
    at: datetime


class Switches:
    """The switches as last read. `known` is False until the table was read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current: dict[str, dict[str, State]] = {}
        self._boards: dict[str, Switchboard] = {}
        self._task: asyncio.Task[None] | None = None
        self.known = False

    def of(self, tenant: str) -> Switchboard:
        """The tenant's own switches and those for every tenant, the stricter counts. Reads memory only."""
        board = self._boards.get(tenant)
        if board is None:
            own, general = self._current.get(tenant, {}), self._current.get(EVERY, {})
            states = {
                rule: stricter(own.get(rule, "on"), general.get(rule, "on")) for rule in own.keys() | general.keys()
            }
            board = Switchboard({rule: state for rule, state in states.items() if state != "on"})
            self._boards[tenant] = board
        return board

    async def refresh(self) -> bool:
        """Read the table; False when that fails, and everything stays as it was."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                found = await current_switches(self._database)
        except (StorageError, TimeoutError):
            return False
        current: dict[str, dict[str, State]] = {}
        for switch in found:
            current.setdefault(switch.tenant, {})[switch.rule] = switch.state
        if current != self._current:
            log.info("rule switches changed")
        self._current, self._boards, self.known = current, {}, True
        return True

    def start(self) -> None:
        """Keep refreshing, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="ionwise-switches")

    async def close(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS if self.known else RETRY_SECONDS)
            await self.refresh()


def stricter(one: State, other: State) -> State:
    """Of two states the one that shows less."""
    return max(one, other, key=_RANK.__getitem__)


async def set_switch(database: Database, switch: Switch, trail: Trail | None = None) -> None:
    """Append one switch, and tell it in the trail. StorageError when the database does not take it."""
    row = {
        "tenant": switch.tenant,
        "rule": switch.rule,
        "state": switch.state,
        "author": clip(switch.author, LONGEST_TEXT),
        "reason": clip(switch.reason, LONGEST_TEXT),
        "at": switch.at,
    }
    async with database.writing() as connection:
        from cds_service.storage.tables import rule_switch  # a service only reads the switches

        await connection.execute(rule_switch.insert().values(row))
        if trail is not None:
            from cds_service.storage.audit_rows import append

            detail = {name: row[name] for name in ("rule", "state", "author", "reason")}
            await append(connection, trail, [Event("switch", switch.at, switch.tenant, detail=detail)])


async def current_switches(database: Database) -> tuple[Switch, ...]:
    """The latest entry per tenant and rule, also those that are `on` again."""
    rows = await database.look_up(_CURRENT, {}, READ_SECONDS)
    if rows is None:
        raise StorageError("the database is too slow")
    return tuple(
        Switch(tenant, rule, state, author, reason, at if isinstance(at, datetime) else read_instant(at))
        for tenant, rule, state, author, reason, at in rows
    )
