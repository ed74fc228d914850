"""Content per unit of product as a map writes it: `magnesium oxide 400 mg; calcium carbonate 100 mg/mL`."""

from __future__ import annotations

import re
from decimal import Decimal

from cds_service.facts.records import Strength

_STRENGTH = re.compile(r"(?P<name>\S.*?) (?P<amount>\d+(?:\.\d+)?) (?P<unit>[A-Za-z\[\]%]+)(?:/(?P<per>[A-Za-z]+))?")
# What RxNorm writes in capitals, and the spellings of lists, as UCUM.
_UCUM = {
    "MG": "mg", "G": "g", "MCG": "ug", "mcg": "ug", "MEQ": "meq", "mEq": "meq", "MMOL": "mmol", "ML": "mL", "ml": "mL",
}  # fmt: skip
_KNOWN = frozenset({*_UCUM.values(), "ug", "L", "kg", "h"})


def read_strengths(text: str) -> tuple[Strength, ...] | None:
    """The strengths that a map's column states; None when one of them cannot be read."""
    found = []
    for part in text.split(";"):
        if not part.strip():
            continue
        match = _STRENGTH.fullmatch(part.strip())
        if match is None:
            return None
        found.append(Strength(match["name"], Decimal(match["amount"]), match["unit"], Decimal(1), match["per"] or ""))
    return tuple(found)


def write_strength(text: str) -> str:
    """A component such as `magnesium oxide 400 MG` as the column has it, in UCUM; empty when it is not that."""
    match = _STRENGTH.fullmatch(text.strip())
    if match is None:
        return ""
    unit, per = _UCUM.get(match["unit"], match["unit"]), _UCUM.get(match["per"] or "", match["per"] or "")
    if unit not in _KNOWN or (per and per not in _KNOWN):
        return ""
    return f"{match['name']} {match['amount']} {unit}" + (f"/{per}" if per else "")
