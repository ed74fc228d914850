"""Version 7 UUIDs (RFC 9562) as text. An answer holds a dozen or two, so they are made in bulk.

They begin with the time they were made: the ledger has an index over card ids, and new ids that stand side by side in
it touch one of its pages where random ones would touch a page each.
"""

from __future__ import annotations

import os
import time
from collections import deque
from struct import iter_unpack

UUIDS_AT_ONCE = 256
_SIZE = 16 * UUIDS_AT_ONCE
_RANDOM_BITS = int.from_bytes(bytes.fromhex("00000000000000003fffffffffffffff") * UUIDS_AT_ONCE)
# The version with the place within the bulk, then the variant.
_FIXED_BITS = int.from_bytes(
    b"".join(bytes(6) + (0x7000 | place).to_bytes(2) + b"\x80" + bytes(7) for place in range(UUIDS_AT_ONCE))
)
_made: deque[str] = deque()  # popping is atomic, so threads may share it


def new_uuid() -> str:
    """A UUID that nobody was given before, in lower case."""
    try:
        return _made.popleft()
    except IndexError:
        first, *more = _make()
        _made.extend(more)
        return first


def _make() -> list[str]:
    milliseconds = (time.time_ns() // 1_000_000).to_bytes(6)
    time_bits = int.from_bytes((milliseconds + bytes(10)) * UUIDS_AT_ONCE)
    bits = int.from_bytes(os.urandom(_SIZE)) & _RANDOM_BITS | _FIXED_BITS | time_bits
    digits = bits.to_bytes(_SIZE).hex().encode()
    return [(b"%b-%b-%b-%b-%b" % groups).decode() for groups in iter_unpack("8s4s4s4s12s", digits)]
