"""`ionwise map`: makes and shows drug maps."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cds_service.knowledge.model import Knowledge

commands = typer.Typer(no_args_is_help=True, help="Make and show drug maps: what a site's product codes contain.")


@commands.command("import")
def import_map(
    rxnorm: Annotated[
        Path | None, typer.Option(help="The folder rrf of an RxNorm release.", exists=True, file_okay=False)
    ] = None,
    gstandaard: Annotated[
        list[Path] | None,
        typer.Option(help="Files (BST711T, ...) or the folder of a G-Standaard release.", exists=True),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="A table of your own, see docs/drug-maps.md.", exists=True)
    ] = None,
    version: Annotated[str, typer.Option(help="Version or date of the source, as its publisher names it.")] = "",
    out: Annotated[Path, typer.Option(help="Folder to write into.", file_okay=False)] = Path(),
) -> None:
    """Write a dated map from one source; name it in the overlay under `drug_map`."""
    from cds_service.knowledge.drug_maps.importing import import_drug_map

    given = {"rxnorm": [rxnorm] if rxnorm else [], "gstandaard": gstandaard or [], "csv": [csv] if csv else []}
    chosen = [(source, paths) for source, paths in given.items() if paths]
    if len(chosen) != 1:
        raise typer.BadParameter("give one of --rxnorm, --gstandaard and --csv")
    if not version:
        raise typer.BadParameter("say which version of the source this is", param_hint="--version")
    today = date.today()  # noqa: DTZ011, TID251 (a command line has a clock)
    source, paths = chosen[0]
    knowledge = _knowledge()
    tool = f"ionwise, knowledge {knowledge.version}"
    path, header, counts = import_drug_map(
        source, paths, out, knowledge.vocabulary, version=version, created=today, tool=tool
    )
    typer.echo(f"{path}: {header.rows} codes, {header.ours} of them with an ingredient of ours")
    for what, number in counts.items():
        typer.echo(f"  {number:8d} {what}")


@commands.command("show")
def show_map(
    file: Annotated[Path, typer.Argument(help="A map.", exists=True, dir_okay=False)],
    code: Annotated[str | None, typer.Option(help="Also what the map says of this code.")] = None,
) -> None:
    """Say where a map comes from and what is in it; refuses one that was changed or does not fit this version."""
    from cds_service.knowledge.drug_maps.importing import describe_map

    for line in describe_map(file, _knowledge().vocabulary, code):
        typer.echo(line)


def _knowledge() -> Knowledge:
    from cds_service.knowledge.load import load_knowledge
    from cds_service.settings import read_settings

    return load_knowledge(read_settings(sandbox=True).cards_dir)
