"""Keyed pseudonyms: HMAC-SHA256 over the kind of person, the tenant and the id.

Pseudonymised is not anonymous: with the key and a list of patient ids the rows can be tied to people again. Whatever
holds these pseudonyms is health data; the key file belongs to the service alone and in no backup of the database.

A key file holds one key per line, `<key id> <secret>`, newest first; lines that start with # are ignored. During a
rotation it holds two: new rows are written under the first, old rows are still found under the second.
"""

from __future__ import annotations

import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

import msgspec

from cds_service.errors import SettingsError
from cds_service.storage.audit import SealKeys
from cds_service.storage.records import Pseudonym

VARIABLE = "IONWISE_PSEUDONYM_KEY_FILE"
SHORTEST_SECRET = 32  # characters; 64 hexadecimal digits are the 256 bits that HMAC-SHA256 can use
MOST_KEYS = 2
REMEMBERED = 256  # people: a call asks for the same ones when it looks back and when it is recorded
SANDBOX_FILE = "pseudonym.key"


class Key(msgspec.Struct, frozen=True):
    """One pseudonym key. Its secret is left out of every printed form."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id})"


class Pseudonyms:
    """Pseudonyms under one or two keys, the newest first."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = keys
        self._people = lru_cache(maxsize=REMEMBERED)(self._of)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, the newest first."""
        return tuple(key.id for key in self._keys)

    def seal_keys(self) -> SealKeys:
        """The keys of the audit trail, derived from these: one file to guard, not two."""
        return SealKeys({key.id: hmac.digest(key.secret, b"ionwise audit", "sha256") for key in self._keys})

    def patient(self, tenant: str, patient_id: str) -> tuple[Pseudonym, ...]:
        """A patient's pseudonyms, one per key, the newest first: write the first, look for all."""
        return self._people("patient", tenant, patient_id)

    def clinician(self, tenant: str, user_id: str) -> tuple[Pseudonym, ...]:
        """The same of a user of the EHR (`context.userId`)."""
        return self._people("clinician", tenant, user_id)

    def _of(self, kind: str, tenant: str, person: str) -> tuple[Pseudonym, ...]:
        return tuple([_pseudonym(key, kind, tenant, person) for key in self._keys])


def _pseudonym(key: Key, kind: str, tenant: str, person: str) -> Pseudonym:
    parts = [part.encode("utf-8", "replace") for part in (kind, tenant, person)]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return Pseudonym(key.id, hmac.digest(key.secret, message, "sha256").hex())


def read_pseudonyms(path: Path) -> Pseudonyms:
    """Pseudonyms under the keys of a file. SettingsError when it is missing, open to others, or no key file."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{VARIABLE}: {path} cannot be read ({type(error).__name__}) -> see the guide") from None
    if mode & 0o027:
        raise SettingsError(f"{VARIABLE}: {path} is open to others (mode {mode & 0o777:o}) -> chmod 400 {path}")
    return Pseudonyms(_keys(text, path))


def _keys(text: str, path: Path) -> tuple[Key, ...]:
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != 2 or len(words[1]) < SHORTEST_SECRET:
            raise SettingsError(
                f"{VARIABLE}: {path}:{number}: is no key -> write `<key id> <secret of {SHORTEST_SECRET} characters or"
                " more>`, for example the secret that `openssl rand -hex 32` prints"
            )
        keys.append(Key(words[0], words[1].encode()))
    if not 1 <= len(keys) <= MOST_KEYS or len({key.id for key in keys}) < len(keys):
        raise SettingsError(
            f"{VARIABLE}: {path} holds {len(keys)} keys -> one, or during a rotation two with different ids"
        )
    return tuple(keys)


def ephemeral_pseudonyms() -> Pseudonyms:
    """Pseudonyms under a key that is gone with the process: nothing stored under it is ever found again."""
    return Pseudonyms((Key("ephemeral", secrets.token_hex(32).encode()),))


def find_pseudonyms(key_file: Path | None, data_dir: Path, *, create: bool) -> Pseudonyms:
    """Pseudonyms as configured: under the keys of the file, else under the one in the data folder.

    create: make a key in the data folder when there is none (sandbox), ephemeral when that cannot be. Otherwise
    SettingsError.
    """
    if key_file is not None:
        return read_pseudonyms(key_file)
    path = data_dir / SANDBOX_FILE
    if not create:
        if not path.exists():
            raise SettingsError(f"{VARIABLE}: missing -> name the file that holds the pseudonym key")
        return read_pseudonyms(path)
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make_key(path)
    except OSError:
        return ephemeral_pseudonyms()
    return read_pseudonyms(path)


def _make_key(path: Path) -> None:
    """Written aside and linked into place: of two processes one wins, and neither reads half a key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"sandbox {secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
