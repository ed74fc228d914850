"""How one caller is spoken to."""

from __future__ import annotations

from typing import NamedTuple


class Voice(NamedTuple):
    """In which language to answer, and at which address the links of the answer start."""

    language: str
    base_url: str
