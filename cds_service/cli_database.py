"""What the commands share that work on the configured database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cds_service.errors import SettingsError

if TYPE_CHECKING:
    from cds_service.storage.audit import Trail
    from cds_service.storage.database import Database
    from cds_service.storage.pseudonyms import Pseudonyms

Tenant = Annotated[str, typer.Option(help="Tenant whose data or rules are meant.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with what you do.")]
Author = Annotated[str | None, typer.Option(help="Who decided. Default: the user of this computer.")]


def configured_people() -> Pseudonyms:
    """The pseudonyms as configured. SettingsError when there is no key yet, or a bad one."""
    from cds_service.settings import read_settings
    from cds_service.storage.pseudonyms import find_pseudonyms

    settings = read_settings(sandbox=True)
    return find_pseudonyms(settings.pseudonym_key_file, settings.data_dir, create=False)


def people_if_any() -> Pseudonyms | None:
    """The same; None when no key file is named and none was made yet."""
    from cds_service.settings import read_settings

    try:
        return configured_people()
    except SettingsError:
        if read_settings(sandbox=True).pseudonym_key_file is not None:
            raise
        return None


def operator_trail(people: Pseudonyms) -> Trail:
    """The chain of the audit trail in which the command line writes."""
    from cds_service.settings import release
    from cds_service.storage.audit import OPERATOR, Trail

    return Trail(OPERATOR, people.seal_keys(), release())


def with_database(work: Callable[[Database], Awaitable[None]], *, prepared: bool = True) -> None:
    """Run some work on the configured database, and close it. Raises IonwiseError for what is refused or fails."""
    from cds_service.settings import read_settings
    from cds_service.storage.database import Database, locate

    async def run() -> None:
        settings = read_settings(sandbox=True)
        database = Database(locate(settings.database_url, settings.data_dir))
        try:
            if prepared:
                await database.prepare()
            await work(database)
        finally:
            await database.close()

    asyncio.run(run())


def now() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)  # noqa: TID251 (a command line has a clock)


def say_nothing_known(tenant: str) -> None:
    """To standard error: a wrong name looks like a patient of whom nothing is kept."""
    typer.echo(f"nothing is kept of this patient at tenant {tenant} -> check --patient and --tenant", err=True)
