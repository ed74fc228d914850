"""`ionwise audit` and `ionwise capture`: what was answered about whom, and keeping requests about a test patient."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from cds_service.cli_database import (
    Author,
    Reason,
    Tenant,
    configured_people,
    now,
    operator_trail,
    say_nothing_known,
    with_database,
)
from cds_service.knowledge.tenant import DEFAULT_TENANT

if TYPE_CHECKING:
    from cds_service.storage.database import Database

audit = typer.Typer(no_args_is_help=True, help="The audit trail: whether it is whole, and what it tells of a patient.")
capture = typer.Typer(no_args_is_help=True, help="Keep the requests about a test patient for a quarter of an hour.")


@audit.command()
def verify() -> None:
    """Check that no row of the audit trail was changed, removed or reordered. Ends with status 1 when one was."""
    from cds_service.storage.audit_check import AuditReport
    from cds_service.storage.audit_check import verify as check

    found: list[AuditReport] = []

    async def work(database: Database) -> None:
        people = configured_people()
        found.append(await check(database, people.seal_keys()))

    with_database(work)
    (report,) = found
    typer.echo(f"{report.rows} rows in {report.chains} chains, {report.emptied} emptied by an erasure")
    if report.unsealed:
        typer.echo(
            f"{report.unsealed} rows are under keys that the key file no longer holds: their place is certain only"
        )
    for problem in report.problems:
        typer.echo(problem)
    if report.problems:
        raise typer.Exit(1)


@audit.command()
def history(
    patient: Annotated[str, typer.Option(help="The patient's FHIR id, as the EHR sends it in `context.patientId`.")],
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Tell who was answered about a patient, when and with which cards: one JSON object per line, oldest first."""
    from cds_service.storage.audit_check import history as read

    async def work(database: Database) -> None:
        people = configured_people()
        values = [pseudonym.value for pseudonym in people.patient(tenant, patient)]
        found = await read(database, tenant, values)
        for said in found:
            typer.echo(said)
        if not found:
            say_nothing_known(tenant)

    with_database(work)


@capture.command()
def start(
    client: Annotated[str, typer.Option(help="The client whose requests are kept; `sandbox` in the sandbox.")],
    patient: Annotated[list[str], typer.Option(help="A test patient's FHIR id; repeat it for more.")],
    reason: Reason,
    author: Author = None,
) -> None:
    """Have all workers keep the requests about these patients. Chart data: only for test patients."""
    from cds_service.service.capture import order_capture
    from cds_service.settings import read_settings
    from cds_service.storage.audit import Event
    from cds_service.storage.audit_rows import append

    who, when = author or getpass.getuser(), now()
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")

    async def work(database: Database) -> None:
        people = configured_people()
        detail = {"author": who, "reason": reason, "patients": len(patient)}
        async with database.writing() as connection:
            await append(connection, operator_trail(people), [Event("capture", when, client=client, detail=detail)])

    with_database(work)
    order = order_capture(read_settings(sandbox=True).data_dir, client, frozenset(patient), when, who, reason)
    typer.echo(f"until {order.until.isoformat(timespec='seconds')}; `ionwise capture list` names the files")


@capture.command("list")
def list_files() -> None:
    """Name the requests that were kept; `ionwise explain FILE` tells what came of one."""
    from cds_service.service.capture import FOLDER
    from cds_service.settings import read_settings

    for file in sorted((read_settings(sandbox=True).data_dir / FOLDER).glob("request-*.json")):
        typer.echo(file)


@capture.command()
def stop() -> None:
    """End the capture now and delete what was kept."""
    from cds_service.service.capture import end_capture
    from cds_service.settings import read_settings

    typer.echo(f"{end_capture(read_settings(sandbox=True).data_dir)} requests deleted")
