"""The keys of all clients: pinned ones at once, others from their JWK Sets, fetched seldom and by one for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from cds_service.trust.clients import Client, Networks
from cds_service.trust.fetching import fetch_key_set
from cds_service.trust.key_set import read_key_set
from cds_service.trust.keys import Key, KeySet, KeySetError

log = logging.getLogger("ionwise.trust")
Fetch = Callable[[str, Networks], Awaitable[bytes]]
FRESH_SECONDS = 600.0  # after that a key that its owner withdrew is not taken any more
RETRY_SECONDS = 30.0  # between two fetches of one set, whoever asks for whichever key
OUTAGE_SECONDS = 3600.0  # how long the last set serves when its server does not


class _Held(msgspec.Struct):
    """A set as last fetched. fetched: when it was; tried: the last attempt. Seconds since the epoch."""

    found: KeySet = KeySet()
    fetched: float = float("-inf")
    tried: float = float("-inf")


class KeyRing:
    """Finds keys. It outlives a reload of the clients file: what was fetched stays fetched."""

    def __init__(self, fetch: Fetch = fetch_key_set) -> None:
        self._fetch = fetch
        self._held: dict[str, _Held] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}

    async def find(self, client: Client, key_url: str | None, kid: str, now: float) -> tuple[Key, ...]:
        """The client's keys of this name: of the set at `key_url`, which must be one of its own, or when the token
        names none of all its sets, the pinned one first. Empty when there is none, or none can be had."""
        if key_url is None and (pinned := client.pinned.keys.get(kid)):
            return pinned
        for url in client.key_urls if key_url is None else (key_url,):
            if keys := await self._of(url, client.key_networks, kid, now):
                return keys
        return ()

    async def _of(self, url: str, networks: Networks, kid: str, now: float) -> tuple[Key, ...]:
        held = self._held.setdefault(url, _Held())
        wanting = now - held.fetched >= FRESH_SECONDS or kid not in held.found.keys
        if wanting and (url in self._fetching or now - held.tried >= RETRY_SECONDS):
            await self._refresh(url, networks, held, now)
        return held.found.keys.get(kid, ()) if now - held.fetched < FRESH_SECONDS + OUTAGE_SECONDS else ()

    async def _refresh(self, url: str, networks: Networks, held: _Held, now: float) -> None:
        """Fetch, or wait for the fetch that is under way; a caller that goes away stops neither."""
        task = self._fetching.get(url)
        if task is None:
            held.tried = now
            task = asyncio.ensure_future(self._load(url, networks, held, now))
            self._fetching[url] = task
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        await asyncio.shield(task)

    async def _load(self, url: str, networks: Networks, held: _Held, now: float) -> None:
        try:
            found = read_key_set(await self._fetch(url, networks))
        except KeySetError as error:
            log.error("key set %s: %s", url, error)
            return
        held.found, held.fetched = found, now
        for problem in found.left_out:
            log.info("key set %s: %s", url, problem)
