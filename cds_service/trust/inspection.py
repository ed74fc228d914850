"""What an operator asks of a client's keys: which there are, which cannot be used, and why."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cds_service.trust.clients import Client
from cds_service.trust.key_ring import Fetch
from cds_service.trust.key_set import read_key_set
from cds_service.trust.keys import KeySet, KeySetError


class KeySource(msgspec.Struct, frozen=True):
    """Where keys come from, and which. trouble: why there are none, "" when they could be read."""

    name: str
    found: KeySet = KeySet()
    trouble: str = ""

    def lines(self) -> Iterator[str]:
        """One line per key."""
        if self.trouble:
            yield f"{self.name}: {self.trouble}"
        for keys in self.found.keys.values():
            yield from (f"{self.name}: {key.kid} verifies {', '.join(sorted(key.algorithms))}" for key in keys)
        yield from (f"{self.name}: left out: {problem}" for problem in self.found.left_out)


async def inspect_keys(client: Client, fetch: Fetch) -> tuple[KeySource, ...]:
    """The client's key sources, fetched now."""
    pinned = (KeySource("pinned", client.pinned),) if client.pinned.keys else ()
    return (*pinned, *[await _fetched(url, client, fetch) for url in client.key_urls])


async def _fetched(url: str, client: Client, fetch: Fetch) -> KeySource:
    try:
        return KeySource(url, read_key_set(await fetch(url, client.key_networks)))
    except KeySetError as error:
        return KeySource(url, trouble=str(error))
