"""Card ids are version 4 UUIDs in lower case, and no two are the same."""

from __future__ import annotations

import re

from cds_service.render.uuids import UUIDS_AT_ONCE, random_uuid

VERSION_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_every_id_is_a_version_4_uuid_and_new() -> None:
    ids = [random_uuid() for _ in range(3 * UUIDS_AT_ONCE)]
    assert all(VERSION_4.fullmatch(one) for one in ids)
    assert len(set(ids)) == len(ids)
