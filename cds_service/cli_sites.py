"""`ionwise overlay`, `compare`, `valuesets`: what a site does before it puts an overlay or new knowledge into use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cds_service.errors import IonwiseError

overlay = typer.Typer(no_args_is_help=True, help="A site's own limits, codes and rules.")


@overlay.callback()
def overlays() -> None:
    """A site's own limits, codes and rules."""


@overlay.command("check")
def check_overlays(
    files: Annotated[list[Path], typer.Argument(help="Overlays: one YAML file per tenant.", exists=True)],
) -> None:
    """Check overlays; the boundary cases of every moved limit are moved along and run again."""
    from cds_service.service.overlay_check import check_overlay
    from cds_service.settings import read_settings

    wrong = 0
    for file in files:
        try:
            report = check_overlay(file, read_settings(sandbox=True).cards_dir)
        except IonwiseError as error:
            typer.echo(str(error))
            wrong += 1
            continue
        knowledge = report.knowledge
        typer.echo(f"{file.name}: tenant {knowledge.tenant.name}, overlay {knowledge.overlay_hash}")
        for limit in report.limits:
            shift = limit.shift
            held = (
                f"{limit.moved} boundary cases moved along" if limit.moved else "no case decides by it: read its cards"
            )
            typer.echo(f"  {limit.name}: {shift.old} -> {shift.new} {shift.unit}, {held}")
            for case in limit.unmoved:
                typer.echo(f"    to be judged by a clinician: {case}")
        for remark in knowledge.tenant.remarks:
            typer.echo(f"  note: {remark}")
        for finding in report.findings:
            typer.echo(str(finding))
        wrong += bool(report.findings)
    if wrong:
        raise typer.Exit(1)


def compare(
    data: Annotated[Path, typer.Argument(help="Recorded requests, patients as Bundles, or NDJSON.", exists=True)],
    old: Annotated[str, typer.Option(help="CARDS_DIR, CARDS_DIR+OVERLAY.yaml or OVERLAY.yaml.")],
    new: Annotated[str, typer.Option(help="The same for the other side.")],
    as_json: Annotated[bool, typer.Option("--json", help="Figures for a program.")] = False,
    as_of: Annotated[datetime | None, typer.Option(help="Moment of all patients. Default: after the newest.")] = None,
) -> None:
    """Decide the same data with two knowledges or overlays: cards gained, lost, changed. Prints ids of patients."""
    import msgspec

    from cds_service.service.compare import compare_sides, read_side
    from cds_service.service.recorded import read_examples
    from cds_service.settings import read_settings

    settings = read_settings(sandbox=True)
    options = settings.decide_options(sandbox=False)
    now = datetime.now(UTC)  # noqa: TID251 (a command line has a clock)
    moment = None if as_of is None else as_of.replace(tzinfo=settings.zone)
    examples, unreadable = read_examples(data, now, moment)
    comparison = compare_sides(read_side(old, options), read_side(new, options), examples)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(comparison.as_json()), indent=1).decode())
        return
    for line in comparison.as_text():
        typer.echo(line)
    if unreadable:
        typer.echo(f"{unreadable} files hold neither requests nor patients")


def valuesets(
    out: Annotated[Path, typer.Argument(help="Folder to write into; made when missing.", file_okay=False)],
    overlay_file: Annotated[
        Path | None, typer.Option("--overlay", help="As the site with this overlay.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Write what the rules mean by a group of drugs, a condition or a result: one FHIR R4 ValueSet per file."""
    import json

    from cds_service.fhir.value_sets import ValueSets
    from cds_service.knowledge.load import load_knowledge
    from cds_service.settings import read_settings

    settings = read_settings(sandbox=True)
    knowledge = load_knowledge(settings.cards_dir, overlay=overlay_file)
    out.mkdir(parents=True, exist_ok=True)
    found = ValueSets(knowledge, settings.canonical_base)
    for one in found.ids:
        text = json.dumps(found.resource(one), ensure_ascii=False, indent=1)
        (out / f"{one}.json").write_text(text + "\n", encoding="utf-8")
    typer.echo(f"{len(found.ids)} value sets written to {out}")
