"""Card ids are version 7 UUIDs in lower case, no two are the same, and they begin with their time."""

from __future__ import annotations

import re
import time

from cds_service.render.uuids import UUIDS_AT_ONCE, new_uuid

VERSION_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_every_id_is_a_version_7_uuid_and_new() -> None:
    ids = [new_uuid() for _ in range(3 * UUIDS_AT_ONCE)]
    assert all(VERSION_7.fullmatch(one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_ids_begin_with_the_time_they_were_made() -> None:
    begun = time.time_ns() // 1_000_000
    for _ in range(UUIDS_AT_ONCE):  # those made before
        new_uuid()
    made = [int(new_uuid().replace("-", "")[:12], 16) for _ in range(2 * UUIDS_AT_ONCE)]
    assert made == sorted(made)
    assert begun <= made[0]
    assert made[-1] <= time.time_ns() // 1_000_000


def test_ids_made_together_sort_as_they_were_made() -> None:
    ids = [new_uuid() for _ in range(2 * UUIDS_AT_ONCE)]
    start = next(place for place, one in enumerate(ids) if one[14:18] == "7000")
    together = ids[start : start + UUIDS_AT_ONCE]
    assert together == sorted(together)
