"""CDS services as an EHR uses them: discovery, a hook's context and prefetch, the call, feedback."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec

from cds_service.ehr.records import Records, is_refusal, matches, next_page
from cds_service.ehr.templates import resolve_template
from cds_service.ehr.wire import WRITE, Wire, told_by
from cds_service.errors import EhrError, UnreachableError

# hook -> the member of its context that holds the unsigned resources
DRAFT_MEMBERS = {
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
    "medication-refill": "medications",
    "medication-prescribe": "medications",
    "order-review": "orders",
    "appointment-book": "appointments",
}
INDICATORS = ("info", "warning", "critical")
SUMMARY_LENGTH = 140

Sign = Callable[[str], str | None]  # address that is called -> the token for it


def unsigned(_: str) -> str | None:
    """How calls are signed that nobody signs."""
    return None


class Service(msgspec.Struct, frozen=True):
    """One entry of discovery; `url` is where it is called."""

    hook: str
    id: str
    url: str
    title: str = ""
    prefetch: Mapping[str, str] = {}


class Prefetch(msgspec.Struct, frozen=True):
    """The answers by key, as sent, and a remark for every key that could not be answered as asked."""

    answers: Mapping[str, Any]
    remarks: tuple[str, ...] = ()


def discover(wire: Wire, base: str, sign: Sign = unsigned) -> tuple[Service, ...]:
    """The services at a base address, with or without `/cds-services`. Raises EhrError when that is no discovery."""
    base = base.rstrip("/").removesuffix("/cds-services").rstrip("/")
    url = f"{base}/cds-services"
    reply = wire.get("discovery", url, sign(url), accept="application/json")
    if reply.status != 200:
        raise EhrError(
            f"discovery: answered {reply.status} ({told_by(reply)}) -> give the address above /cds-services"
            + (", and --key if callers must be known" if reply.status in (401, 403) else "")
        )
    listed = reply.body.get("services") if isinstance(reply.body, dict) else None
    if not isinstance(listed, list):
        raise EhrError("discovery: the answer has no list `services` -> is this the address of a CDS service?")
    found = []
    for entry in listed:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("hook", "id")):
            raise EhrError("discovery: an entry has no `hook` or no `id` -> tell the makers of the service")
        prefetch = entry.get("prefetch")
        templates = prefetch if isinstance(prefetch, dict) else {}
        found.append(
            Service(
                entry["hook"],
                entry["id"],
                f"{url}/{quote(entry['id'], safe='')}",
                str(entry.get("title") or ""),
                {key: template for key, template in templates.items() if isinstance(template, str)},
            )
        )
    return tuple(found)


def choose_service(services: Iterable[Service], hook: str, service_id: str | None = None) -> Service:
    """The one service for a hook. Raises EhrError that lists what there is when none or several fit."""
    listed = list(services)
    fitting = [one for one in listed if one.hook == hook and service_id in (None, one.id)]
    if len(fitting) == 1:
        return fitting[0]
    offered = ", ".join(f"{one.hook} ({one.id})" for one in listed) or "nothing"
    if fitting:
        raise EhrError(f"discovery: several services answer {hook}: {offered} -> choose one with --service")
    raise EhrError(f"discovery: nothing answers {hook} there; offered: {offered} -> choose --hook or --service from it")


def build_context(
    hook: str,
    patient_id: str,
    user_id: str,
    encounter_id: str | None = None,
    drafts: Iterable[dict[str, Any]] = (),
    selections: Iterable[str] = (),
) -> dict[str, Any]:
    """A hook's context. selections: `Type/id` of the drafts just chosen (order-select); none given: all of them."""
    context: dict[str, Any] = {"userId": user_id, "patientId": patient_id}
    if encounter_id is not None:
        context["encounterId"] = encounter_id
    unsigned_orders = list(drafts)
    if hook in DRAFT_MEMBERS:
        entries = [{"resource": draft} for draft in unsigned_orders]
        context[DRAFT_MEMBERS[hook]] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if hook == "order-select":
        there = [f"{draft.get('resourceType')}/{draft.get('id')}" for draft in unsigned_orders]
        chosen = list(selections)
        if strange := [one for one in chosen if one not in there]:
            raise EhrError(f"--select: {len(strange)} of {len(chosen)} are not among the {len(there)} draft orders")
        context["selections"] = chosen or there
    return context


def fill_prefetch(
    service: Service, records: Records, context: Mapping[str, Any], today: date, version: str = "2.0"
) -> Prefetch:
    """What is sent under each key (CDS Hooks, "Prefetch Template").

    Nothing there (a read's 404, a search without matches) is `null` in every version. A refusal is sent as an
    OperationOutcome, except to a service of version 1.0, where the key is left out; so are a key with a token that has
    no value, one that nobody answered, and in 1.0 one whose answer has a next page.
    """
    answers: dict[str, Any] = {}
    remarks = []
    for key, template in service.prefetch.items():
        query = resolve_template(template, context, today)
        if query is None:
            remarks.append(f"{key}: not sent, the context has no value for a token of its template")
            continue
        try:
            answer = records.ask(query, f"prefetch {key}")
        except UnreachableError as error:
            remarks.append(f"{key}: not sent; {error}")
            continue
        if is_refusal(answer):
            remarks.append(f"{key}: {'not sent' if version == '1.0' else 'sent as an error'}; {_said(answer)}")
            if version == "1.0":
                continue
        elif version == "1.0" and next_page(answer):
            remarks.append(f"{key}: not sent, it has a next page and CDS Hooks 1.0 allows none")
            continue
        answers[key] = None if _is_empty(answer, query) else answer
    return Prefetch(answers, tuple(remarks))


def call_service(
    wire: Wire, service: Service, request: Mapping[str, Any], sign: Sign = unsigned, language: str | None = None
) -> dict[str, Any]:
    """Fire the hook; the service's answer. Raises EhrError when it is none."""
    headers = {"Accept-Language": language} if language else {}
    reply = wire.post(service.hook, service.url, WRITE(request), sign(service.url), headers)
    if reply.status != 200:
        raise EhrError(f"{service.hook}: the service answered {reply.status}: {told_by(reply)}")
    if not isinstance(reply.body, dict) or not isinstance(reply.body.get("cards"), list):
        raise EhrError(f"{service.hook}: the answer holds no list `cards` -> tell the makers of the service")
    return reply.body


def find_oddities(answer: Mapping[str, Any]) -> list[str]:
    """Where an answer leaves the CDS Hooks standard in a way that an EHR will mind."""
    odd = []
    for number, card in enumerate(answer["cards"], 1):
        if not isinstance(card, dict):
            odd.append(f"card {number} is no object")
            continue
        summary, source = card.get("summary"), card.get("source")
        if not isinstance(summary, str) or not 0 < len(summary) < SUMMARY_LENGTH:
            odd.append(f"card {number}: summary must be 1 to {SUMMARY_LENGTH - 1} characters")
        if card.get("indicator") not in INDICATORS:
            odd.append(f"card {number}: indicator must be one of {', '.join(INDICATORS)}")
        if not isinstance(source, dict) or not source.get("label"):
            odd.append(f"card {number}: source.label is missing")
        if card.get("suggestions") and not card.get("selectionBehavior"):
            odd.append(f"card {number}: suggestions without selectionBehavior")
    return odd


def _is_empty(answer: dict[str, Any] | None, query: str) -> bool:
    if answer is None:
        return True
    is_search = "?" in query and answer.get("resourceType") == "Bundle"
    return is_search and not matches(answer) and not next_page(answer) and not _holds_error(answer)


def _holds_error(answer: Mapping[str, Any]) -> bool:
    """Whether a searchset carries an outcome that tells of a failure: then it is no proof that nothing is there."""
    for entry in answer.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and is_refusal(resource):
            severities = {issue.get("severity") for issue in resource.get("issue", ()) if isinstance(issue, dict)}
            if not severities or severities & {"error", "fatal", None}:
                return True
    return False


def _said(outcome: Any) -> str:
    issues: list[dict[str, Any]] = outcome.get("issue") or [{}]
    return str(issues[0].get("diagnostics") or issues[0].get("code") or "no reason given")[:200]
