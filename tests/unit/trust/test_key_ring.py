"""Keys are fetched seldom, by one for all, only from addresses of the list; rotation needs no restart."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cds_service.trust.clients import Client, Networks
from cds_service.trust.key_ring import FRESH_SECONDS, OUTAGE_SECONDS, RETRY_SECONDS, KeyRing
from cds_service.trust.key_set import read_key_set
from cds_service.trust.keys import KeySetError
from tests.unit.trust.signer import ISSUER, Signer

pytestmark = pytest.mark.anyio
URL = "https://ehr.example/jwks"
OTHER = "https://ehr.example/more"


class Publisher:
    """Where the client publishes its keys; counts who asks."""

    def __init__(self, *kids: str) -> None:
        self.kids = kids
        self.asked: list[str] = []
        self.down = False
        self.pause = 0.0

    async def fetch(self, url: str, networks: Networks) -> bytes:
        """The current set."""
        self.asked.append(url)
        await asyncio.sleep(self.pause)
        if self.down:
            raise KeySetError("it is down")
        return json.dumps({"keys": [Signer("ES256", kid).jwk() for kid in self.kids]}).encode()


def client(*urls: str, pinned: bytes = b'{"keys":[]}') -> Client:
    """A client with these key sets."""
    return Client("ehr", ISSUER, pinned=read_key_set(pinned), key_urls=urls or (URL,))


async def kids(ring: KeyRing, kid: str, now: float, key_url: str | None = URL, **given: Any) -> list[str]:
    """The names of the keys that are found."""
    return [key.kid for key in await ring.find(given.get("who", client()), key_url, kid, now)]


async def test_s_17_without_jku_the_pinned_set_serves_and_nobody_is_asked() -> None:
    """S-17: jku absent: the set configured for the issuer; kid selects the key."""
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    who = client(URL, pinned=Signer("ES256", "pinned").key_set())
    assert await kids(ring, "pinned", 0, None, who=who) == ["pinned"]
    assert publisher.asked == []


async def test_s_17_without_jku_the_listed_sets_serve_where_the_pinned_one_does_not() -> None:
    """S-17: the set configured for the issuer may be at an address."""
    publisher = Publisher("a")
    who = client(URL, OTHER, pinned=Signer("ES256", "pinned").key_set())
    assert await kids(KeyRing(publisher.fetch), "a", 0, None, who=who) == ["a"]
    assert publisher.asked == [URL]


async def test_s_17_with_jku_the_pinned_set_does_not_serve() -> None:
    """S-17: only when jku is absent."""
    who = client(URL, pinned=Signer("ES256", "pinned").key_set())
    assert await kids(KeyRing(Publisher("a").fetch), "pinned", 0, who=who) == []


async def test_s_19_a_set_is_fetched_once_for_many_calls() -> None:
    """S-19: the set is cached."""
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    for now in (0, 1, FRESH_SECONDS - 1):
        assert await kids(ring, "a", now) == ["a"]
    assert publisher.asked == [URL]


async def test_s_19_callers_at_the_same_time_share_one_fetch() -> None:
    """S-19: one fetch for all."""
    publisher = Publisher("a")
    publisher.pause = 0.02
    ring = KeyRing(publisher.fetch)
    assert await asyncio.gather(*(kids(ring, "a", 0) for _ in range(20))) == [["a"]] * 20
    assert publisher.asked == [URL]


async def test_s_19_a_caller_that_goes_away_does_not_stop_the_fetch_for_others() -> None:
    """S-19: one fetch for all."""
    publisher = Publisher("a")
    publisher.pause = 0.02
    ring = KeyRing(publisher.fetch)
    first, second = (asyncio.ensure_future(kids(ring, "a", 0)) for _ in range(2))
    await asyncio.sleep(0.005)
    first.cancel()
    assert await second == ["a"]
    assert publisher.asked == [URL]


async def test_a_call_whose_key_is_known_does_not_wait_for_the_fetch_that_another_one_caused() -> None:
    """Else a stranger who names an unknown key would hold up all calls of a client whose server is slow."""
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    assert await kids(ring, "a", 0) == ["a"]
    publisher.pause = 60.0
    stranger = asyncio.create_task(kids(ring, "unknown", RETRY_SECONDS))
    while len(publisher.asked) < 2:
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert await kids(ring, "a", RETRY_SECONDS) == ["a"]
    stranger.cancel()


async def test_s_19_a_rotated_key_is_found_at_the_next_call() -> None:
    """S-19: key rotated at the client: the next call succeeds without restart."""
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    await kids(ring, "a", 0)
    publisher.kids = ("a", "b")
    assert await kids(ring, "b", RETRY_SECONDS) == ["b"]
    assert publisher.asked == [URL, URL]


async def test_s_19_unknown_names_cause_one_fetch_per_interval() -> None:
    """S-19: an unknown kid triggers at most one refetch per interval."""
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    for number in range(100):
        assert await kids(ring, f"x{number}", RETRY_SECONDS * number / 50) == []
    assert len(publisher.asked) == 2


async def test_s_19_a_withdrawn_key_is_refused_once_the_set_is_no_longer_fresh() -> None:
    """S-19: key removed: refused after the cache's time."""
    publisher = Publisher("a", "b")
    ring = KeyRing(publisher.fetch)
    await kids(ring, "a", 0)
    publisher.kids = ("b",)
    assert await kids(ring, "a", FRESH_SECONDS - 1) == ["a"]
    assert await kids(ring, "a", FRESH_SECONDS) == []


async def test_the_last_set_serves_while_its_server_is_down_but_not_forever() -> None:
    publisher = Publisher("a")
    ring = KeyRing(publisher.fetch)
    await kids(ring, "a", 0)
    publisher.down = True
    assert await kids(ring, "a", FRESH_SECONDS) == ["a"]
    assert await kids(ring, "a", FRESH_SECONDS + OUTAGE_SECONDS - 1) == ["a"]
    assert await kids(ring, "a", FRESH_SECONDS + OUTAGE_SECONDS) == []
    publisher.down = False
    assert await kids(ring, "a", FRESH_SECONDS + OUTAGE_SECONDS + RETRY_SECONDS) == ["a"]


async def test_a_server_that_is_down_is_not_asked_for_every_call() -> None:
    publisher = Publisher("a")
    publisher.down = True
    ring = KeyRing(publisher.fetch)
    for now in range(int(RETRY_SECONDS)):
        assert await kids(ring, "a", now) == []
    assert publisher.asked == [URL]


async def test_what_is_no_set_leaves_the_old_one_in_use() -> None:
    answers = [Signer("ES256", "a").key_set(), b"<html>maintenance</html>"]

    async def fetch(url: str, networks: Networks) -> bytes:
        return answers.pop(0)

    ring = KeyRing(fetch)
    await kids(ring, "a", 0)
    assert await kids(ring, "a", FRESH_SECONDS) == ["a"]
    assert answers == []
