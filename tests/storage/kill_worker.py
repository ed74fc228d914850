"""A process under feedback load: stores one report after the other and prints the number of each when it is stored."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from cds_service.storage.pseudonyms import ephemeral_pseudonyms
from cds_service.storage.store import open_store
from tests.storage.samples import NOW, entry, issue, overridden

CLIENTS = 8


async def run(url: str, data_dir: Path, first: int) -> None:
    """Store reports from number `first` on, several at a time, until killed."""
    store = open_store(url, data_dir=data_dir)
    await store.start()
    numbers = itertools.count(first)
    people = ephemeral_pseudonyms()

    async def client() -> None:
        for number in numbers:
            store.record(entry(people, issue(card=f"card-{number}")))
            await store.add_feedback("t", "ehr", [overridden(f"card-{number}", comment="a comment")], NOW)
            os.write(1, f"{number}\n".encode())

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
