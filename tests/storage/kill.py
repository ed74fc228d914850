"""`kill -9` of a process under feedback load, as often as asked: what was acknowledged, lost and doubled.

As a script: python -m tests.storage.kill [rounds] [address of an empty PostgreSQL database]
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.storage.database_tally import Tally, compare
from tests.storage.kill_worker import CLIENTS
from tests.storage.samples import migrate


def kill_often(url: str, data_dir: Path, rounds: int) -> Tally:
    """Each round starts a process, lets it acknowledge a random number of reports, and kills it at a random moment.

    Each process begins with numbers that the one before may or may not have stored, as a client does that repeats
    what was not acknowledged.
    """
    acknowledged: set[int] = set()
    for _ in range(rounds):
        first = max(max(acknowledged, default=0) - 2 * CLIENTS, 0)
        command = [sys.executable, "-m", "tests.storage.kill_worker", url, str(data_dir), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            read = [*islice(process.stdout, random.randrange(40, 120))]
            time.sleep(random.uniform(0, 0.05))
            process.kill()
            read += process.stdout.readlines()
        acknowledged |= {int(line) for line in read if line.endswith(b"\n")}
    return asyncio.run(compare(url, data_dir, acknowledged))


def main() -> None:
    """The figure: so many rounds on a new SQLite database, or on the database given."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/ionwise.sqlite3"
        asyncio.run(migrate(url))
        rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
        sys.stdout.write(f"{rounds} times killed: {kill_often(url, Path(folder), rounds)}\n")


if __name__ == "__main__":
    main()
