"""`ionwise clients`, and what keeps a service for patients from starting half open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from cds_service.cli import commands
from cds_service.trust.client_file import read_clients
from tests.unit.trust.signer import BASE, ISSUER, Signer, entry, write_clients


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a JWK Set, and the settings that name the clients file in it."""
    (tmp_path / "umc.jwks.json").write_bytes(Signer().key_set())
    monkeypatch.setenv("IONWISE_CLIENTS_FILE", str(tmp_path / "clients.yaml"))
    monkeypatch.setenv("IONWISE_PUBLIC_URL", BASE)
    return tmp_path


def run(*arguments: str, typed: str | None = None) -> Result:
    """Run `ionwise`."""
    return CliRunner().invoke(commands, [*arguments], input=typed, env={"COLUMNS": "200"})


def add(name: str = "umc", issuer: str = ISSUER, *more: str) -> Result:
    """Add a client with the JWK Set of the folder."""
    return run("clients", "add", name, "--issuer", issuer, "--key-set", "umc.jwks.json", *more)


def test_a_client_is_added_to_a_new_file_and_to_the_end_of_an_old_one(folder: Path) -> None:
    path = folder / "clients.yaml"
    assert add().exit_code == 0
    path.write_text(path.read_text("utf-8") + "  # the second hospital: ask Jan\n", "utf-8")
    path.chmod(0o640)
    more = ("--tenant", "north", "--profile", "epic", "--audience", "a", "--key-set-url", "https://e.example/jwks")
    result = add(
        "other", "https://o.example", *more, "--fhir-server", "https://o.example/fhir", "--requests-per-minute", "9"
    )
    assert result.exit_code == 0, result.output
    clients = read_clients(path)
    other = clients.named("other")
    assert other is not None
    assert clients.named("umc") is not None
    assert (other.tenants, other.profile, other.requests_per_minute) == (("north",), "epic", 9)
    assert other.audiences == {"a"}
    assert [server.base_url for server in other.fhir_servers] == ["https://o.example/fhir"]
    assert "ask Jan" in path.read_text("utf-8")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in folder.iterdir() if file.name.startswith("clients.yaml.")] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("umc", ISSUER), "another client has this name too"),
        (("Bad Name", "https://x.example"), "must be words in lower case"),
        (("b", "https://x.example", "--profile", "paper"), "must be one of"),
        (("b", "https://x.example", "--key-set-url", "http://x.example"), "use https"),
    ],
)
def test_a_wrong_client_is_refused_and_the_file_left_alone(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    add()
    before = (folder / "clients.yaml").read_text("utf-8")
    result = add(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert (folder / "clients.yaml").read_text("utf-8") == before


@pytest.mark.parametrize("text", ["clients: []\n", "clients:\n- name: x\n", "5\n"])
def test_a_file_to_which_nothing_can_be_appended_is_left_alone(folder: Path, text: str) -> None:
    (folder / "clients.yaml").write_text(text, "utf-8")
    assert add().exit_code == 2
    assert (folder / "clients.yaml").read_text("utf-8") == text


def test_without_a_file_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IONWISE_CLIENTS_FILE", raising=False)
    for command in (("list",), ("test", "x")):
        result = run("clients", *command)
        assert (result.exit_code, "IONWISE_CLIENTS_FILE" in result.output) == (2, True)


def test_the_list_shows_clients_and_no_keys(folder: Path) -> None:
    write_clients(folder, entry(folder, Signer(), name="umc", key_set_urls=["https://ehr.example/jwks"]))
    result = run("clients", "list")
    assert result.exit_code == 0
    assert {"umc", ISSUER, "1", "pinned", "https://ehr.example/jwks", "default"} <= set(result.output.split())
    assert Signer().jwk()["x"] not in result.output


def test_a_good_token_is_called_good_as_often_as_it_is_tried(folder: Path) -> None:
    add("umc", ISSUER, "--fhir-server", "https://ehr.example/fhir")
    token = Signer().token()
    (folder / "token").write_text(token + "\n", "utf-8")
    for result in (
        run("clients", "test", "umc", "--token", str(folder / "token")),
        run("clients", "test", "umc", "--token", "-", typed=token),
    ):
        assert result.exit_code == 0, result.output
        assert "pinned: key-1 verifies ES384" in result.output
        assert "good, for tenant default" in result.output
        assert "https://ehr.example/fhir: well formed" in result.output
        assert token not in result.output


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Signer().token(exp=1), "refused (expired): exp is in the past"),
        (lambda: Signer(number=3).token(), "refused (signature)"),
        (lambda: Signer().token(aud=BASE), "refused (audience)"),
        (lambda: Signer().token(iss="https://x.example"), "refused (issuer): no client has this iss"),
        (lambda: Signer(issuer="https://other.example").token(), "refused (issuer): it is a token of other"),
        (str, "refused (malformed)"),
    ],
    ids=["expired", "signature", "audience", "unknown issuer", "another client", "malformed"],
)
def test_a_bad_token_is_told_why(folder: Path, make: Callable[[], str], told: str) -> None:
    add()
    add("other", "https://other.example")
    result = run("clients", "test", "umc", "--token", "-", typed=make())
    assert result.exit_code == 1
    assert told in result.output


def test_a_token_for_another_service_is_tried_as_such(folder: Path) -> None:
    add()
    token = Signer().token(aud=f"{BASE}/cds-services")
    assert run("clients", "test", "umc", "--token", "-", typed=token).exit_code == 1
    assert run("clients", "test", "umc", "--token", "-", "--service", "discovery", typed=token).exit_code == 0


def test_keys_that_cannot_be_fetched_or_used_are_told(folder: Path) -> None:
    keys = {"keys": [Signer().jwk(), Signer(kid="enc").jwk(use="enc")]}
    urls = ["https://127.0.0.1:9/jwks"]
    write_clients(folder, entry(folder, Signer(), name="umc", key_set_urls=urls))
    (folder / "umc.jwks.json").write_text(json.dumps(keys), "utf-8")
    result = run("clients", "test", "umc")
    assert result.exit_code == 0
    assert "pinned: left out: key 2: its use is not sig" in result.output
    assert "https://127.0.0.1:9/jwks: refused-address: it is private" in result.output
    write_clients(folder, entry(folder, name="far", key_set=None, key_set_urls=urls))
    result = run("clients", "test", "far")
    assert (result.exit_code, "no key can be used" in result.output) == (1, True)


def test_what_cannot_be_tried_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add()
    assert "there is no client 'x'" in run("clients", "test", "x").output
    assert "cannot be read" in run("clients", "test", "umc", "--token", str(folder / "gone")).output
    monkeypatch.delenv("IONWISE_PUBLIC_URL")
    result = run("clients", "test", "umc", "--token", "-", typed="x")
    assert (result.exit_code, "IONWISE_PUBLIC_URL" in result.output) == (2, True)


START = {
    "IONWISE_CLIENTS_FILE": "clients.yaml", "IONWISE_PUBLIC_URL": BASE, "IONWISE_STORAGE": "true",
    "IONWISE_PSEUDONYM_KEY_FILE": "pseudonyms", "IONWISE_DATA_DIR": "data",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"IONWISE_CLIENTS_FILE": None}, "there is no trusted client"),
        ({"IONWISE_CLIENTS_FILE": "gone.yaml"}, "IONWISE_CLIENTS_FILE"),
        ({"IONWISE_CLIENTS_FILE": "empty.yaml"}, "names no trusted client"),
        ({"IONWISE_PUBLIC_URL": None}, "IONWISE_PUBLIC_URL: must be the https address"),
        ({"IONWISE_PUBLIC_URL": "http://cds.example"}, "IONWISE_PUBLIC_URL: must be the https address"),
        ({"IONWISE_STORAGE": "false"}, "IONWISE_STORAGE: must be true"),
        ({"IONWISE_PSEUDONYM_KEY_FILE": None}, "IONWISE_PSEUDONYM_KEY_FILE: missing"),
    ],
)
def test_s_25_a_service_for_patients_does_not_start_half_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], told: str
) -> None:
    """S-01, S-25: at least one trusted client, an https address, a store and a pseudonym key."""
    monkeypatch.chdir(tmp_path)
    write_clients(tmp_path, entry(tmp_path, Signer()))
    (tmp_path / "empty.yaml").write_text("clients: []\n", "utf-8")
    (tmp_path / "pseudonyms").write_text(f"k {'a' * 64}\n", "utf-8")
    os.chmod("pseudonyms", 0o400)  # noqa: PTH101 (as an operator does)
    for name, value in (START | changes).items():
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name, raising=False)
    result = run("serve")
    assert result.exit_code == 2
    assert told in result.output
    assert " -> " in result.output


def test_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in START:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IONWISE_STORAGE", "false")
    assert len(run("serve").output.splitlines()) == 3


def test_the_group_that_may_read_the_file_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add().exit_code == 0
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda _, user, group: given.append((user, group)))
    assert add("other", "https://o.example").exit_code == 0
    assert given == [(-1, (folder / "clients.yaml").stat().st_gid)]


def test_the_key_set_of_a_key_makes_its_owner_a_client(folder: Path) -> None:
    secret = ec.generate_private_key(ec.SECP384R1())
    (folder / "key.pem").write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    printed = run("clients", "key-set", str(folder / "key.pem"), "--kid", "test-1")
    assert printed.exit_code == 0, printed.output
    (folder / "umc.jwks.json").write_text(printed.output, "utf-8")
    assert add().exit_code == 0
    assert run("clients", "test", "umc").output == "pinned: test-1 verifies ES384\n"


def test_no_key_set_comes_of_a_file_without_a_key(folder: Path) -> None:
    refused = run("clients", "key-set", str(folder / "umc.jwks.json"), "--kid", "test-1")
    assert refused.exit_code == 2
    assert "no usable private key" in refused.output
