"""`ionwise fire` and `ionwise sandbox-check`: the EHR's side of the conversation, against any service and server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cds_service.errors import EhrError

if TYPE_CHECKING:
    from cds_service.ehr.credentials import Access
    from cds_service.ehr.file_records import FileRecords
    from cds_service.ehr.firing import Reaction
    from cds_service.ehr.probe_findings import Probe
    from cds_service.ehr.server_records import ServerRecords
    from cds_service.ehr.wire import Wire
    from cds_service.knowledge.model import Knowledge

ACCESS, SIGNING, FEEDBACK = "The FHIR server's token", "How the call is signed", "Feedback"
File = {"exists": True, "dir_okay": False}
TokenFile = Annotated[
    Path | None, typer.Option(help="File that holds an access token.", rich_help_panel=ACCESS, **File)
]
ClientId = Annotated[
    str, typer.Option(help="Our client id there; with --client-key: SMART backend services.", rich_help_panel=ACCESS)
]
ClientKey = Annotated[
    Path | None, typer.Option(help="Private key (PEM, P-384 or RSA) of that client.", rich_help_panel=ACCESS, **File)
]
ClientKid = Annotated[str, typer.Option(help="Key id of that key.", rich_help_panel=ACCESS)]
Scope = Annotated[str, typer.Option(help="Scopes to ask for, or that the token has.", rich_help_panel=ACCESS)]
CaBundle = Annotated[Path | None, typer.Option(help="PEM file of authorities to trust.", **File)]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")]


def fire(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Base address of a CDS service.")],
    hook: Annotated[str, typer.Option(help="Which hook.")] = "patient-view",
    service_id: Annotated[str | None, typer.Option("--service", help="Which of several services for it.")] = None,
    fhir: Annotated[str | None, typer.Option(help="Take the patient from this FHIR server.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Or from this file or folder.", exists=True)] = None,
    patient: Annotated[str | None, typer.Option(help="The patient's FHIR id.")] = None,
    user: Annotated[str, typer.Option(help="Who is at the screen, as Type/id.")] = "Practitioner/example",
    encounter: Annotated[str | None, typer.Option(help="The encounter's FHIR id.")] = None,
    draft: Annotated[
        list[Path] | None, typer.Option(help="File with unsigned orders; may be repeated.", exists=True)
    ] = None,
    stored_drafts: Annotated[
        bool, typer.Option("--stored-drafts", help="Also the draft orders among the patient's records.")
    ] = False,
    select: Annotated[
        list[str] | None, typer.Option(help="A draft just chosen, as Type/id; default all (order-select).")
    ] = None,
    context: Annotated[Path | None, typer.Option(help="JSON file with more members of the context.", **File)] = None,
    no_prefetch: Annotated[bool, typer.Option("--no-prefetch", help="Send no prefetch.")] = False,
    cds_hooks: Annotated[
        Literal["1.0", "1.1", "2.0"], typer.Option(help="Version of the service: 1.0 takes no errors and no pages.")
    ] = "2.0",
    as_of: Annotated[
        datetime | None,
        typer.Option(help="Moment to judge at (sandboxes of Ionwise).", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]),
    ] = None,
    language: Annotated[Literal["nl", "en"], typer.Option(help="Language to ask for.")] = "en",
    give_access: Annotated[
        bool, typer.Option("--give-access", help="Let the service read the FHIR server, with our token.")
    ] = False,
    token_file: TokenFile = None,
    client_id: ClientId = "",
    client_key: ClientKey = None,
    client_kid: ClientKid = "",
    scope: Scope = "",
    key: Annotated[
        Path | None,
        typer.Option(help="Private key (PEM): ES384 or RS384 by its kind.", rich_help_panel=SIGNING, **File),
    ] = None,
    kid: Annotated[str, typer.Option(help="Key id of that key.", rich_help_panel=SIGNING)] = "",
    issuer: Annotated[str, typer.Option(help="Our name: `iss`.", rich_help_panel=SIGNING)] = "",
    jku: Annotated[str | None, typer.Option(help="Where our public keys are.", rich_help_panel=SIGNING)] = None,
    tenant: Annotated[str | None, typer.Option(help="`tenant` in the token.", rich_help_panel=SIGNING)] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="Follow a suggestion: card 2, or 2.1.", rich_help_panel=FEEDBACK)
    ] = None,
    override: Annotated[list[int] | None, typer.Option(help="Set this card aside.", rich_help_panel=FEEDBACK)] = None,
    reason: Annotated[str | None, typer.Option(help="Code of the reason.", rich_help_panel=FEEDBACK)] = None,
    comment: Annotated[str | None, typer.Option(help="Reason in words.", rich_help_panel=FEEDBACK)] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask what to do with each card.", rich_help_panel=FEEDBACK)
    ] = False,
    show_request: Annotated[bool, typer.Option("--show-request", help="Print the body that is sent.")] = False,
    save: Annotated[Path | None, typer.Option(help="Keep the exchange here, de-identified.", dir_okay=False)] = None,
    ca_bundle: CaBundle = None,
    timeout: Timeout = 30.0,
) -> None:
    """Play the EHR: fire a hook at a CDS service with a patient's data, and show the cards. Prints patient data."""
    from rich.console import Console

    from cds_service.ehr.firing import Firing, Shot
    from cds_service.ehr.wire import Wire

    reaction = _reaction(accept, override, reason, comment, ask)
    with Wire(timeout, ca_bundle) as wire:
        access = _access(wire, fhir or "", token_file, client_id, client_key, client_kid, scope)
        records, patient_id = _records(wire, fhir, chart, patient, access)
        firing = Firing(wire, records, Console(), _now, _signature(key, kid, issuer, jku, tenant), access)
        shot = Shot(
            base=service, hook=hook, patient_id=patient_id, user_id=user, service_id=service_id,
            encounter_id=encounter, drafts=draft or (), stored_drafts=stored_drafts, selections=select or (),
            context=context, prefetch=not no_prefetch, version=cds_hooks, as_of=_aware(as_of),
            give_access=give_access, language=language,
        )  # fmt: skip
        target, body = firing.request(shot)
        if show_request:
            firing.show_request(body)
        answer = firing.call(target, body, language)
        if save is not None:
            firing.save(save, body, answer)
        firing.react(target, answer, reaction)
        firing.show_times()


def sandbox_check(
    base: Annotated[str, typer.Argument(metavar="FHIR", help="Base address of a FHIR server.")],
    patient: Annotated[
        list[str] | None,
        typer.Option(help="Look at this patient; may be repeated. Default: the first the server lists."),
    ] = None,
    patients: Annotated[int, typer.Option(min=1, max=50, help="How many of those.")] = 3,
    profile: Annotated[str, typer.Option(help="Queries as for generic, epic, oracle or nl.")] = "generic",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the list of what is not understood.", file_okay=False)
    ] = None,
    token_file: TokenFile = None,
    client_id: ClientId = "",
    client_key: ClientKey = None,
    client_kid: ClientKid = "",
    scope: Scope = "",
    ca_bundle: CaBundle = None,
    timeout: Timeout = 30.0,
) -> None:
    """Probe a FHIR server: which prefetch keys can it answer, how well, and how much of it is understood?"""
    from rich.console import Console

    from cds_service.ehr.probe import Prober
    from cds_service.ehr.probe_report import hooks_lacking, print_probe
    from cds_service.ehr.server_records import ServerRecords
    from cds_service.ehr.wire import Wire
    from cds_service.fhir.profiles import PROFILES, apply_profile
    from cds_service.knowledge.load import load_knowledge
    from cds_service.settings import read_settings

    if profile not in PROFILES:
        raise typer.BadParameter(f"{profile!r} is not one of {', '.join(PROFILES)}", param_hint="--profile")
    settings = read_settings(sandbox=True)
    knowledge = load_knowledge(settings.cards_dir)
    plan = apply_profile(knowledge.key_plan, PROFILES[profile])
    with Wire(timeout, ca_bundle) as wire:
        access = _access(wire, base, token_file, client_id, client_key, client_kid, scope)
        records, admit = ServerRecords(wire, base, access), settings.admit_unknown_status
        prober = Prober(records, knowledge, _now(), settings.zone, admit_unknown_status=admit)
        probe = prober.run(plan, patients, patient or ())
    print_probe(probe, Console())
    if out is not None:
        _write_work_list(probe, knowledge, out)
    if any(lacking for _, lacking in hooks_lacking(probe.keys)):
        raise typer.Exit(1)


def _write_work_list(probe: Probe, knowledge: Knowledge, out: Path) -> None:
    """The same files as `ionwise unmapped` writes."""
    from cds_service.service.unmapped import WorkList
    from cds_service.service.unmapped_files import write_overlay, write_table

    work = WorkList(knowledge.vocabulary)
    for answer in probe.answers:
        work.add(answer)
    today = _now().date()
    out.mkdir(parents=True, exist_ok=True)
    table, skeleton = out / f"unmapped-{today.isoformat()}.csv", out / f"overlay-{today.isoformat()}.yaml"
    write_table(table, work.lines())
    write_overlay(skeleton, work.lines(), today)
    typer.echo(f"{len(work.lines())} codes and units not understood; written: {table}, {skeleton}")


def _records(
    wire: Wire, fhir: str | None, chart: Path | None, patient: str | None, access: Access | None
) -> tuple[FileRecords | ServerRecords, str]:
    from cds_service.ehr.file_records import read_files
    from cds_service.ehr.server_records import ServerRecords

    if (fhir is None) == (chart is None):
        raise EhrError("no patient's records are named -> give one of --fhir and --chart")
    if chart is not None:
        records = read_files(chart, patient)
        return records, records.patient_id
    if patient is None or fhir is None:
        raise EhrError("--patient: missing -> name the patient by the id on the FHIR server")
    return ServerRecords(wire, fhir, access), patient


def _access(
    wire: Wire, base: str, token_file: Path | None, client_id: str, client_key: Path | None, kid: str, scope: str
) -> Access | None:
    from cds_service.ehr.credentials import read_key, read_token, request_access

    if token_file is not None:
        return read_token(token_file, client_id, scope)
    if client_key is None:
        return None
    if not (base and client_id and kid):
        raise EhrError("--client-key: needs the FHIR server, --client-id and --client-kid")
    key = read_key(client_key, kid)
    return request_access(wire, base.rstrip("/"), client_id, key, scope or "system/*.rs", _now())


def _signature(key: Path | None, kid: str, issuer: str, jku: str | None, tenant: str | None) -> Any:
    from cds_service.ehr.credentials import Signature, read_key

    if key is None:
        if kid or issuer or jku:
            raise EhrError("--kid, --issuer and --jku sign nothing without a key -> give --key")
        return None
    if not (kid and issuer):
        raise EhrError("--key: needs --kid and --issuer, as the service knows them")
    return Signature(read_key(key, kid), issuer, jku, tenant)


def _reaction(
    accept: list[str] | None, override: list[int] | None, reason: str | None, comment: str | None, ask: bool
) -> Reaction:
    from cds_service.ehr.firing import Reaction

    if (reason or comment) and not override:
        raise EhrError("--reason, --comment: say with --override which card is set aside")
    return Reaction(accept or (), override or (), reason, comment, _ask if ask else None)


def _ask(number: int, card: Any) -> tuple[str, str | None]:
    """What the person at the terminal does with one card."""
    deeds = {"a": "accept", "o": "override", "s": "skip"}
    deed = deeds.get(typer.prompt(f"card {number}: accept, override or skip (a/o/s)", default="s")[:1].lower(), "skip")
    if deed == "accept" and len(card.get("suggestions", ())) > 1:
        return deed, typer.prompt("  which suggestion", default="1")
    if deed == "override" and card.get("overrideReasons"):
        codes = ", ".join(str(one.get("code")) for one in card["overrideReasons"])
        return deed, typer.prompt(f"  reason ({codes})", default="") or None
    return deed, None


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a command line has a clock)
