"""A start does not wait for what it does not need yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW = ("sqlalchemy", "alembic", "fhir.resources", "jwt")
START = """
import asyncio, sys
from cds_service.app import create_app
from cds_service.settings import read_settings

async def start():
    app = create_app(read_settings(sandbox=True))
    async with app.router.lifespan_context(app):
        print(*(name for name in sys.argv[1:] if name in sys.modules))

asyncio.run(start())
"""


def test_a_start_with_sqlite_loads_no_database_toolkit_and_no_fhir_library(tmp_path: Path) -> None:
    for _ in range(2):  # on a new file, and on one that is there
        done = subprocess.run(
            [sys.executable, "-c", START, *SLOW],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "IONWISE_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ""
    assert (tmp_path / "ionwise.sqlite3").exists()
