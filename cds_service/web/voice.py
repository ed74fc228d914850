"""How one caller is spoken to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """In which language to answer, and at which address the links of the answer start."""

    language: str
    base_url: str
