"""A service outside the sandbox, and the client that it trusts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.http.client import JSON
from tests.unit.trust.signer import BASE, Signer, entry, write_clients

PATIENT_VIEW = "/cds-services/ionwise-patient-view"


def production(folder: Path, *entries: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Settings with a store and keys of their own; without entries one client, whose keys are those of `Signer()`."""
    key = folder / "pseudonyms"
    if not key.exists():
        key.write_text(f"test {'k' * 64}\n", "utf-8")
        key.chmod(0o400)
    return {
        "sandbox": False,
        "public_url": BASE,
        "clients_file": write_clients(folder, *(entries or (entry(folder, Signer()),))),
        "pseudonym_key_file": key,
        "storage": True,
        "data_dir": folder / "data",
    } | given


def signed(path: str = PATIENT_VIEW, signer: Signer | None = None, **claims: Any) -> dict[str, str]:
    """The headers of a call to `path` with a new token."""
    return bearer((signer or Signer()).token(**({"aud": BASE + path} | claims)))


def bearer(token: str) -> dict[str, str]:
    """The headers of a call with this token."""
    return {**JSON, "Authorization": f"Bearer {token}"}
