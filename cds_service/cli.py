"""The `ionwise` command. Each command is thin and calls one function; imports wait until a command needs them."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cds_service import cli_audit, cli_clients, cli_fire, cli_maps, cli_sites, cli_storage
from cds_service.errors import Finding, IonwiseError

Overlay = Annotated[Path | None, typer.Option(help="As the site with this overlay.", exists=True, dir_okay=False)]


class Refusing(TyperGroup):
    """All commands. What Ionwise refuses on purpose is a message on standard error and status 2, no traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except IonwiseError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None


commands = typer.Typer(
    name="ionwise", cls=Refusing, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
commands.add_typer(cli_clients.commands, name="clients")
commands.add_typer(cli_maps.commands, name="map")
commands.add_typer(cli_storage.db, name="db")
commands.add_typer(cli_storage.rule, name="rule")
commands.add_typer(cli_audit.audit, name="audit")
commands.add_typer(cli_audit.capture, name="capture")
commands.command()(cli_storage.stats)
commands.add_typer(cli_sites.overlay, name="overlay")
commands.command()(cli_sites.compare)
commands.command()(cli_sites.valuesets)
commands.command()(cli_fire.fire)
commands.command("sandbox-check")(cli_fire.sandbox_check)


def main() -> None:
    """Run the command line; the installed `ionwise` script calls this."""
    commands(prog_name="ionwise")


@commands.callback()
def ionwise() -> None:
    """Ionwise: advisory cards over CDS Hooks."""


@commands.command()
def serve(
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Try-out mode without authentication. Never with real patients.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on (IONWISE_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (IONWISE_PORT).")] = None,
) -> None:
    """Answer CDS Hooks calls."""
    gc.disable()  # what is loaded from here on stays; the server turns it on again
    from cds_service.app import run_server

    run_server(sandbox=sandbox or None, host=host, port=port)


@commands.command()
def prefetch(
    profile: Annotated[str, typer.Option(help="generic, epic, oracle, nl or cds-hooks-1.0.")] = "generic",
    hook: Annotated[str | None, typer.Option(help="Only the keys of this hook.")] = None,
    language: Annotated[str, typer.Option(help="nl or en.")] = "en",
    overlay: Overlay = None,
) -> None:
    """Print the prefetch keys and queries for an analyst who types them into an EHR."""
    from cds_service.fhir.profiles import PROFILES, prefetch_sheet
    from cds_service.knowledge.load import load_knowledge
    from cds_service.service.envelope import CONTEXTS
    from cds_service.settings import read_settings

    _choose("--profile", profile, PROFILES)
    _choose("--language", language, ("nl", "en"))
    if hook is not None:
        _choose("--hook", hook, CONTEXTS)
    plan = load_knowledge(read_settings(sandbox=True).cards_dir, overlay=overlay).key_plan
    for line in prefetch_sheet(plan, PROFILES[profile], language, hook):
        typer.echo(line)


def _choose(option: str, value: str, choices: Iterable[str]) -> None:
    names = list(choices)
    if value not in names:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(names)}", param_hint=option)


@commands.command()
def check(
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also move every limit and see whether a case notices.")
    ] = False,
) -> None:
    """Check the knowledge in cards/ and run its cases: everything that is wrong, with file, line and remedy."""
    from datetime import date

    from cds_service.knowledge.checking import check_cards
    from cds_service.knowledge.lock import NAME as LOCK

    found, advice = check_cards(_cards(), date.today())  # noqa: DTZ011, TID251 (a command line has a clock)
    unlocked = tuple(finding for finding in found if finding.check == LOCK)  # locking comes last: it holds up nothing
    wrong = tuple(finding for finding in found if finding.check != LOCK) or _invalid_orders() or _failing_cases()
    if mutate and wrong:
        typer.echo("limits were not moved: first mend what is below")
    elif mutate:
        wrong = _unnoticed_mutants()
    errors = (*wrong, *unlocked)
    for finding in (*advice, *errors):
        typer.echo(str(finding))
    typer.echo(f"{len(errors)} errors, {len(advice)} remarks")
    if errors:
        raise typer.Exit(1)


@commands.command()
def golden(rules: Annotated[list[str] | None, typer.Argument(help="Rule ids; default all.")] = None) -> None:
    """Rewrite expected.json of the rules; review the diff."""
    from cds_service.knowledge.load import load_knowledge
    from cds_service.knowledge.sources import read_sources
    from cds_service.service.golden import write_golden

    knowledge = load_knowledge(_cards(), drafts=True)
    if unknown := sorted(set(rules or ()) - {rule.id for rule in knowledge.rules}):
        raise typer.BadParameter(f"{unknown[0]!r} is no rule")
    changed = write_golden(knowledge, read_sources(_cards()), rules or ())
    typer.echo(f"rewritten: {', '.join(changed) or 'nothing'}")


@commands.command()
def lock() -> None:
    """Write cards/lock.json; refuses when a released rule changed without a new version."""
    from cds_service.knowledge.lock import update_lock
    from cds_service.knowledge.sources import read_sources

    changed = update_lock(read_sources(_cards()))
    typer.echo(f"locked: {', '.join(changed) or 'nothing new'}")


@commands.command()
def docs(
    verify: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a page is stale.")] = False,
) -> None:
    """Write the generated pages of docs/: rules, what reviewers need, prefetch keys, settings."""
    from cds_service.knowledge.load import load_knowledge
    from cds_service.knowledge.sources import DEFAULT_CARDS, read_sources
    from cds_service.service.reference_docs import build_pages, stale_pages, write_pages
    from cds_service.settings import describe_settings

    folder = DEFAULT_CARDS.parent / "docs"
    pages = build_pages(load_knowledge(_cards(), drafts=True), read_sources(_cards()), describe_settings())
    if not verify:
        typer.echo(f"rewritten: {', '.join(write_pages(pages, folder)) or 'nothing'}")
    elif stale := stale_pages(pages, folder):
        typer.echo(f"stale: {', '.join(stale)}; run `ionwise docs`", err=True)
        raise typer.Exit(1)
    else:
        typer.echo("stale: nothing")


def _invalid_orders() -> tuple[Finding, ...]:
    from cds_service.errors import KnowledgeError
    from cds_service.fhir.write import validate_orders
    from cds_service.knowledge.load import load_knowledge

    try:
        validate_orders(load_knowledge(_cards(), drafts=True).orders.values(), ("nl", "en"))
    except KnowledgeError as refused:
        return refused.findings
    return ()


def _failing_cases() -> tuple[Finding, ...]:
    from cds_service.knowledge.load import load_knowledge
    from cds_service.knowledge.sources import read_sources
    from cds_service.service.cases import failing_cases

    return tuple(failing_cases(load_knowledge(_cards(), drafts=True), read_sources(_cards())))


def _unnoticed_mutants() -> tuple[Finding, ...]:
    from cds_service.knowledge.load import load_knowledge
    from cds_service.knowledge.sources import read_sources
    from cds_service.service.limit_mutation import unnoticed

    return tuple(unnoticed(load_knowledge(_cards(), drafts=True), read_sources(_cards())))


def _cards() -> Path | None:
    from cds_service.settings import read_settings

    return read_settings(sandbox=True).cards_dir


@commands.command()
def demo(
    language: Annotated[str, typer.Option(help="Language of the cards: nl or en.")] = "nl",
) -> None:
    """Start the service, be an EHR with hand-made patients, and show the cards that come back."""
    from rich.console import Console

    from cds_service.demo import run_demo

    _choose("--language", language, ("nl", "en"))
    run_demo(language, Console())


@commands.command("explain")
def explain_request(
    request: Annotated[Path, typer.Argument(help="A recorded hook request: the JSON body.", exists=True)],
    language: Annotated[str, typer.Option(help="nl or en.")] = "en",
    overlay: Overlay = None,
) -> None:
    """Tell rule by rule how the answer to a recorded request comes about. The output holds patient data."""
    from datetime import UTC, datetime

    from cds_service.fhir.profiles import PROFILES, apply_profile
    from cds_service.knowledge.load import load_knowledge
    from cds_service.service.explain import explain_body
    from cds_service.settings import read_settings

    _choose("--language", language, ("nl", "en"))
    settings = read_settings(sandbox=True)
    knowledge = load_knowledge(settings.cards_dir, overlay=overlay)
    tenant = knowledge.tenant
    options = settings.decide_options(language=language).for_tenant(tenant)
    absent = frozenset(settings.absent_sources) if tenant.absent_sources is None else tenant.absent_sources
    plan = apply_profile(knowledge.key_plan, PROFILES[settings.profile], absent)
    now = datetime.now(UTC)  # noqa: TID251 (a command line has a clock)
    typer.echo(explain_body(request.read_bytes(), knowledge, plan, options, now, absent))


@commands.command()
def unmapped(
    source: Annotated[Path, typer.Argument(help="Recorded hook requests or NDJSON: a file or a folder.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder to write into.", file_okay=False)] = Path(),
    overlay: Annotated[
        Path | None, typer.Option(help="Count what this overlay still leaves open.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """List the drugs, laboratory codes and units that are not understood, with an overlay to complete and sign."""
    from datetime import date

    from cds_service.knowledge.load import load_knowledge
    from cds_service.service.unmapped_files import read_work_list, write_overlay, write_table

    vocabulary = load_knowledge(_cards(), overlay=overlay).vocabulary
    work, unreadable = read_work_list(source, vocabulary)
    lines = work.lines()
    today = date.today()  # noqa: DTZ011, TID251 (a command line has a clock)
    out.mkdir(parents=True, exist_ok=True)
    table, skeleton = out / f"unmapped-{today.isoformat()}.csv", out / f"overlay-{today.isoformat()}.yaml"
    write_table(table, lines)
    write_overlay(skeleton, lines, today)
    for kind in ("drug", "lab", "unit"):
        counts = [line.count for line in lines if line.what.kind == kind]
        typer.echo(f"{kind:5} {len(counts):6d} not understood, in {sum(counts)} records")
    typer.echo(f"{work.resources} resources read, {unreadable} pieces unreadable; written: {table}, {skeleton}")
