"""Adding a client to the clients file: text at its end, so that what people wrote in it stays."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cds_service.errors import SettingsError
from cds_service.trust.client_file import GUIDE, parse_clients

_HEAD = "# The clients that may call. docs/connect-a-client.md says what the members mean.\nclients:\n"


def add_client(path: Path, members: Mapping[str, Any], *, plain_http: bool = False) -> None:
    """Write an entry to the end of the file, which is made when missing; members that are None or empty are left out.

    Raises SettingsError, and leaves the file alone, when it would not be right afterwards. A service that reads the
    file meanwhile sees the old text or the new one.
    """
    old = _read(path)
    listed = yaml.safe_dump([{name: value for name, value in members.items() if value}], sort_keys=False, width=1000)
    text = old + textwrap.indent(listed, "  ")
    known = parse_clients(old, path, plain_http=plain_http).by_issuer if old != _HEAD else {}
    added = parse_clients(text, path, plain_http=plain_http).by_issuer
    if len(added) != len(known) + 1:
        raise SettingsError(f"{path}: does not end with its list of clients -> add the entry by hand, see {GUIDE}")
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.write_text(text, "utf-8")
    if path.exists():
        shutil.copymode(path, draft)
        with contextlib.suppress(PermissionError):  # root writes what the service's group must still read
            os.chown(draft, -1, path.stat().st_gid)
    draft.replace(path)


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return _HEAD
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}) -> correct it") from None
    return text if text.endswith("\n") else text + "\n"
