"""What a probe of a FHIR server found, as a table with a verdict per key and per hook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.ehr.probe_findings import KeyReport, Probe
from cds_service.ehr.wire import printable

_COLOURS = {"works": "green", "works, but": "yellow", "nothing found": "yellow", "not asked": "dim", "refused": "red"}
_SEEN = {True: "yes", False: "no", None: "-"}
_SHOWN = 8


def print_probe(probe: Probe, console: Console) -> None:
    """Everything a person needs to know before such a server is used."""
    server, patients = probe.server, probe.patients
    console.print(
        Text(f"FHIR {server.version} ({server.release}), {printable(server.software)}; {patients} patients looked at")
    )
    if server.release == "unknown":
        console.print(Text("! this version of FHIR is not known to the readers", style="yellow"))
    console.print(_table(probe.keys))
    for line in remarks(probe.keys):
        console.print(Text(f"! {printable(line)}", style="yellow"))
    for kind in dict.fromkeys(kind for kind, _ in probe.systems):
        listed = [(system, n) for (one, system), n in probe.systems.most_common() if one == kind]
        console.print(Text(f"{kind}: {printable(_listed(listed))}"))
    if probe.units:
        console.print(Text(f"units: {printable(_listed(probe.units.most_common()))}"))
    for hook, lacking in hooks_lacking(probe.keys):
        found = f"lacks {', '.join(lacking)}" if lacking else "has all required keys"
        console.print(Text(f"{hook}: {found}", style="red" if lacking else "green"))


def hooks_lacking(keys: Sequence[KeyReport]) -> list[tuple[str, list[str]]]:
    """Each hook with the required keys that the server refuses."""
    hooks = dict.fromkeys(hook for report in keys for hook in report.entry.hooks)
    return [
        (hook, [r.entry.key for r in keys if r.entry.hooks.get(hook) == "R" and r.verdict == "refused"])
        for hook in hooks
    ]


def remarks(keys: Sequence[KeyReport]) -> Iterator[str]:
    """What to mind, key by key, with what it means."""
    for report in keys:
        key = report.entry.key
        if report.refused:
            yield f"{key}: refused for {report.refusals} of {report.asked} patients: {report.refused}"
        if report.reasons:
            yield f"{key}: not used of {report.found}: {_listed(report.reasons.most_common())}"
        if report.verdict == "not asked":
            yield f"{key}: not asked, no patient has what its query is about (an encounter)"
        if report.sorted is False:
            yield f"{key}: not newest first -> a cut page proves nothing about what is missing"
        if report.filtered is False:
            yield f"{key}: holds entries that were not asked for -> pages fill up with them"
        if report.counted is False:
            yield f"{key}: _count is not honoured -> pages may be longer or shorter than asked"
        if report.paged is False:
            yield f"{key}: a page of one entry has no next page that leads on -> what is left out cannot be fetched"
        if report.posted is False:
            yield f"{key}: POST _search is refused or answers otherwise -> long queries have to go in the address"
        if report.undeclared:
            yield f"{key}: not declared in metadata: {', '.join(report.undeclared)}"


def _table(keys: Sequence[KeyReport]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("key", "verdict"):
        table.add_column(title)
    for title in ("found", "understood", "set aside"):
        table.add_column(title, justify="right")
    for title in ("sorted", "filtered", "_count", "next", "POST"):
        table.add_column(title)
    for report in keys:
        seen = (report.sorted, report.filtered, report.counted, report.paged, report.posted)
        numbers = (str(report.found), str(report.understood), str(report.set_aside))
        verdict = Text(report.verdict, style=_COLOURS[report.verdict])
        table.add_row(report.entry.key, verdict, *numbers, *(_SEEN[one] for one in seen))
    return table


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    more = f", and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return ", ".join(f"{name} ({number})" for name, number in counts[:_SHOWN]) + more
