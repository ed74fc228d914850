"""A second process on the same database: records decisions and feedback, then tells which switch it sees."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cds_service.storage.pseudonyms import Key, Pseudonyms
from cds_service.storage.store import open_store
from tests.storage.samples import NOW, cannot_tell, entry, issue, overridden, written

PEOPLE = Pseudonyms((Key("shared", b"k" * 32),))
CALLS = 200


async def run(url: str, data_dir: Path, name: str) -> None:
    """Half of the feedback is about cards that the other process reports as well."""
    store = open_store(url, data_dir=data_dir)
    await store.start()
    for number in range(CALLS):
        tallies = (cannot_tell("ca-low", f"item-{number % 7}"), cannot_tell("a", "b"))
        store.record(entry(PEOPLE, issue(card=f"{name}-{number}"), tallies=tallies, prefetch={"k": "data"}))
        card = f"both-{number}" if number % 2 else f"{name}-{number}"
        await store.add_feedback("t", "ehr", [overridden(card)], NOW)
    await written(store)
    await store.refresh_switches()
    sys.stdout.write(store.switches("t").state("mg-low"))
    await store.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
