"""Keys at an address of the client: fetched for a good jku, never for another one; rotation without a restart."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service import app as composition
from cds_service.app import create_app
from cds_service.knowledge.model import Knowledge
from cds_service.settings import Settings
from cds_service.trust import key_ring
from tests.http.calls import request
from tests.http.client import Client
from tests.http.conftest import echo
from tests.http.trusted import PATIENT_VIEW, bearer, production, signed
from tests.unit.trust.canary import Canary, listening, ok
from tests.unit.trust.signer import Signer, entry, write_clients

pytestmark = pytest.mark.anyio
BODY = json.dumps(request()).encode()


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


@pytest.fixture
async def publisher() -> AsyncIterator[Canary]:
    """Where the client publishes its JWK Set."""
    async with listening(Canary(ok(Signer().key_set()))) as canary:
        yield canary


class Clock:
    """The service's clock."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that can be put forward."""
    clock = Clock()
    monkeypatch.setattr(composition, "_now", clock)
    return clock


def service(knowledge: Knowledge, folder: Path, *entries: dict[str, Any]) -> Client:
    """A sandbox's key rules (plain http is allowed), with the obligation to bring a token left to the tests."""
    return Client(create_app(Settings(**production(folder, *entries, sandbox=True)), knowledge, echo))


def published(folder: Path, canary: Canary, **members: Any) -> dict[str, Any]:
    """A client whose keys are at the canary's address."""
    url = f"http://127.0.0.1:{canary.port}/jwks"
    return entry(folder, key_set=None, **({"key_set_urls": [url]} | members))


async def status(client: Client, token: str) -> int:
    """What a call with this token gets."""
    return (await client.ask("POST", PATIENT_VIEW, [BODY], bearer(token))).status


def jku(canary: Canary, path: str = "/jwks") -> str:
    """An address of the canary."""
    return f"http://127.0.0.1:{canary.port}{path}"


async def test_s_15_s_17_a_listed_jku_is_fetched_once(knowledge: Knowledge, tmp_path: Path, publisher: Canary) -> None:
    """S-15: jku on the allow-list. S-17: jku absent: the configured set. S-19: cached."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    for header in ({"jku": jku(publisher)}, {}, {"jku": jku(publisher)}):
        assert await status(client, Signer().token(header)) == 200
    assert len(publisher.requests) == 1


@pytest.mark.parametrize("variant", ["/other", "/jwks/", "/jwks?x=1", "/jwks#x", "/../jwks"])
async def test_s_18_another_jku_causes_no_request_at_all(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, variant: str
) -> None:
    """S-18: 401, and the canary stays silent, also at an address that differs by one character."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    assert await status(client, Signer().token({"jku": jku(publisher, variant)})) == 401
    assert publisher.requests == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http:", "HTTP:"), ("http:", "https:"), ("//", "//me@"), ("//", "//@"), ("127.0.0.1", "localhost"),
        ("127.0.0.1", "127.0.0.1."), ("127.0.0.1", "127.1"), ("127.0.0.1", "[::ffff:127.0.0.1]"),
        ("/jwks", "/JWKS"), ("/jwks", "/jwk\u017f"), ("/jwks", "/%6awks"), ("/jwks", "//jwks"), ("/jwks", "/jwks "),
        ("http", " http"),
    ],
)  # fmt: skip
async def test_s_18_a_jku_in_another_spelling_is_another_jku(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, old: str, new: str
) -> None:
    """S-18: letter by letter, so that no two readers can differ about it."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    assert await status(client, Signer().token({"jku": jku(publisher).replace(old, new)})) == 401
    assert publisher.connections == 0


async def test_s_18_a_jku_for_a_client_with_pinned_keys_only_causes_no_request(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary
) -> None:
    """S-18: the list is per issuer."""
    other = published(tmp_path, publisher, name="other", issuer="https://other.example")
    client = service(knowledge, tmp_path, entry(tmp_path, Signer()), other)
    assert await status(client, Signer().token({"jku": jku(publisher)})) == 401
    assert publisher.requests == []


@pytest.mark.parametrize("claims", [{"exp": 1}, {"aud": "x"}, {"tenant": "x"}, {"iss": "x"}, {"jti": None}])
async def test_s_18_a_token_that_is_bad_anyway_causes_no_request(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, claims: dict[str, Any]
) -> None:
    """S-18: strangers do not make us call anybody."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    assert await status(client, Signer().token({"jku": jku(publisher)}, **claims)) == 401
    assert publisher.requests == []


async def test_s_18_a_listed_address_that_is_private_causes_no_request(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, caplog: pytest.LogCaptureFixture
) -> None:
    """S-18: outside the sandbox not even to this machine."""
    listed = published(tmp_path, publisher, key_set_urls=[jku(publisher).replace("http:", "https:")])
    client = Client(create_app(Settings(**production(tmp_path, listed)), knowledge, echo))
    assert await status(client, Signer().token()) == 401
    assert publisher.connections == 0
    assert "refused-address" in caplog.text
    assert "key_set_networks" in caplog.text


async def test_s_18_a_redirect_is_not_followed(knowledge: Knowledge, tmp_path: Path, publisher: Canary) -> None:
    """S-18: not even to an address of the same host."""
    async with listening(Canary()) as other:
        other.answer = (b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % jku(publisher).encode(),)
        client = service(knowledge, tmp_path, published(tmp_path, other))
        assert await status(client, Signer().token()) == 401
        assert len(other.requests) == 1
    assert publisher.requests == []


async def test_s_19_a_key_that_is_rotated_in_and_out_is_followed_without_a_restart(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, clock: Clock
) -> None:
    """S-19: rotated: the next call succeeds. Removed: 401 once the cached set is no longer fresh."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    new = Signer(kid="key-2", number=2)
    assert await status(client, Signer().token()) == 200
    publisher.answer = (ok(new.key_set()),)
    assert await status(client, new.token()) == 401  # asked for less than half a minute ago
    clock.ahead = timedelta(seconds=key_ring.RETRY_SECONDS)
    assert await status(client, new.token()) == 200
    assert await status(client, Signer().token()) == 401
    assert len(publisher.requests) == 2


async def test_s_19_a_removed_key_serves_until_the_set_is_no_longer_fresh(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary, clock: Clock
) -> None:
    """S-19: key removed: 401 after the cache's time."""
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    assert await status(client, Signer().token()) == 200
    publisher.answer = (ok(b'{"keys": []}'),)
    assert await status(client, Signer().token()) == 200
    clock.ahead = timedelta(seconds=key_ring.FRESH_SECONDS)
    assert await status(client, Signer().token(now=clock().timestamp())) == 401


async def test_s_20_the_set_of_one_issuer_does_not_serve_another(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary
) -> None:
    """S-20: a key from another issuer's set."""
    mine = Signer(kid="mine", number=4)
    other = published(tmp_path, publisher, name="other", issuer="https://other.example")
    client = service(knowledge, tmp_path, entry(tmp_path, mine), other)
    theirs = Signer(issuer="https://other.example")
    assert await status(client, theirs.token()) == 200
    assert await status(client, Signer().token()) == 401
    assert await status(client, mine.token(iss="https://other.example")) == 401


async def test_a_pinned_key_is_rotated_and_a_client_added_by_a_reload(knowledge: Knowledge, tmp_path: Path) -> None:
    """S-19: no restart for pinned keys either."""
    client = service(knowledge, tmp_path, entry(tmp_path, Signer()))
    tenancy = client.app.state.tenancy
    new = Signer(kid="key-2", number=2)
    added = Signer(issuer="https://other.example", number=3)
    assert await status(client, new.token()) == 401
    write_clients(tmp_path, entry(tmp_path, new), entry(tmp_path, added, name="other", issuer=added.issuer))
    assert tenancy.reload()
    assert [await status(client, signer.token()) for signer in (new, added, Signer())] == [200, 200, 401]


async def test_the_last_client_too_is_shut_out_by_a_reload(knowledge: Knowledge, tmp_path: Path) -> None:
    client = Client(create_app(Settings(**production(tmp_path)), knowledge, echo))
    assert await status(client, Signer().token()) == 200
    (tmp_path / "clients.yaml").write_text("clients: []\n", "utf-8")
    assert client.app.state.tenancy.reload()
    assert await status(client, Signer().token()) == 401


async def test_a_wrong_clients_file_leaves_the_old_clients_trusted_and_is_loud(
    knowledge: Knowledge, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = service(knowledge, tmp_path, entry(tmp_path, Signer()))
    for text in ("clients: [", "clients: [{name: x}]", "", "clients: 5"):
        (tmp_path / "clients.yaml").write_text(text, "utf-8")
        assert not client.app.state.tenancy.reload()
    assert await status(client, Signer().token()) == 200
    lines = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lines) == 4
    assert "clients.yaml:1" in lines[1].getMessage()


async def test_a_reload_forgets_no_fetched_key_and_no_used_token(
    knowledge: Knowledge, tmp_path: Path, publisher: Canary
) -> None:
    client = service(knowledge, tmp_path, published(tmp_path, publisher))
    token = Signer().token()
    assert await status(client, token) == 200
    assert client.app.state.tenancy.reload()
    assert await status(client, token) == 401
    assert (await client.ask("POST", PATIENT_VIEW, [BODY], signed())).status == 200
    assert len(publisher.requests) == 1
