"""`ionwise demo`: the real service on a free loopback port, and an EHR that calls it about hand-made patients.

The EHR side does what EHRs do: it reads discovery, fills every prefetch template from the patient's resources, puts the
unsigned orders into draftOrders, posts over HTTP and shows the cards.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import NAMESPACE_URL, uuid5

import msgspec
import requests
import uvicorn
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from cds_service.app import create_app
from cds_service.ehr.chart_server import chart_server
from cds_service.errors import IonwiseError
from cds_service.settings import read_settings

FIXTURES = Path(__file__).parent.parent / "fhir_fixtures"
AS_OF = "2026-11-21T10:00:00+01:00"
HOOKS = ("patient-view", "order-select", "order-sign")
SHOWN = (
    "woman_67_omeprazole_severe_hypomagnesaemia",
    "man_78_digoxin_low_potassium_and_magnesium",
    "woman_52_normal_magnesium_hidden_deficiency",
    "woman_44_ciprofloxacin_draft_with_antacid",
    "man_71_ckd4_magnesium_laxative",
    "man_39_empty_record",
)
FETCHED = "man_58_three_years_ppi_no_magnesium"
START_SECONDS = 10.0
ANSWER_SECONDS = 10.0

_EXACT = msgspec.json.Decoder(float_hook=Decimal)  # 0.70 stays 0.70: laboratories mean the digits they print
_WRITE = msgspec.json.Encoder(decimal_format="number").encode
_TOKEN = re.compile(r"\{\{context\.(\w+)\}\}")
_COLOURS = {"critical": "bold white on red", "warning": "bold black on yellow", "info": "bold white on blue"}
_BORDERS = {"critical": "red", "warning": "yellow", "info": "blue"}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "none": "geen kaarten", "one": "1 kaart", "many": "{n} kaarten", "suggestion": "Voorstel", "source": "Bron",
        "unjudged": "Niet te beoordelen zonder", "unusable": "Niet bruikbaar", "quarantined": "Opzij gelegd",
        "again": "als hierboven", "fetched": "Zonder prefetch: Ionwise leest de FHIR-server van het EPD.",
        "done": "{calls} aanroepen, {cards} kaarten, {ms:.0f} ms gemiddeld per aanroep.",
    },
    "en": {
        "none": "no cards", "one": "1 card", "many": "{n} cards", "suggestion": "Suggestion", "source": "Source",
        "unjudged": "Cannot be judged without", "unusable": "Not usable", "quarantined": "Set aside",
        "again": "as above", "fetched": "Without prefetch: Ionwise gets the chart from the EHR's FHIR server.",
        "done": "{calls} calls, {cards} cards, {ms:.0f} ms per call on average.",
    },
}  # fmt: skip


class DemoError(IonwiseError):
    """The demonstration failed; the message says at which step."""


class Story(msgspec.Struct, frozen=True):
    """One fixture patient: what it is about in each language, and the chart's resources (drafts among them)."""

    name: str
    told: Mapping[str, str]
    resources: tuple[dict[str, Any], ...]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource["resourceType"] == kind]

    @property
    def drafts(self) -> list[dict[str, Any]]:
        """The unsigned orders."""
        return [r for r in self.resources if r["resourceType"].endswith("Request") and r.get("status") == "draft"]

    def context(self, hook: str) -> dict[str, Any]:
        """The hook's context, as far as the chart knows it."""
        encounters = self.of_type("Encounter")
        fields = {"userId": "Practitioner/demo", "patientId": self.of_type("Patient")[0]["id"]}
        context: dict[str, Any] = fields | ({"encounterId": encounters[0]["id"]} if encounters else {})
        member = {"order-select": "draftOrders", "order-sign": "draftOrders", "medication-refill": "medications"}
        if hook in member:
            bundle = [{"resource": draft} for draft in self.drafts]
            context[member[hook]] = {"resourceType": "Bundle", "type": "collection", "entry": bundle}
        if hook == "order-select":
            context["selections"] = [f"{draft['resourceType']}/{draft['id']}" for draft in self.drafts]
        return context


def read_story(name: str, folder: Path = FIXTURES) -> Story:
    """The fixture patient of this name. Raises DemoError when the fixtures are not there."""
    try:
        told = _EXACT.decode((folder / "patients" / "stories.json").read_bytes())
        bundle = _EXACT.decode((folder / "patients" / f"{name}.json").read_bytes())
    except OSError as error:
        raise DemoError(f"the fixture patient {name} is missing: run from a checkout, installed with -e") from error
    return Story(name, told[name], tuple(entry["resource"] for entry in bundle["entry"]))


def hook_request(story: Story, hook: str, templates: Mapping[str, str], as_of: str = AS_OF) -> dict[str, Any]:
    """The request that an EHR posts for this patient; `templates` are the service's prefetch templates by key."""
    context = story.context(hook)
    answers = {key: answer_template(template, story, context) for key, template in templates.items()}
    return {
        "hook": hook,
        "hookInstance": str(uuid5(NAMESPACE_URL, f"{story.name}/{hook}")),
        "context": context,
        "prefetch": {key: answer for key, answer in answers.items() if answer is not None},
        "extension": {"org.ionwise.as-of": as_of},
    }


def answer_template(template: str, story: Story, context: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the EHR's FHIR server answers: a resource, a searchset, or None (a read of what the context does not name).

    Understands the parameters that Ionwise asks with: patient, code, status, _sort=-date and _count.
    """
    if not {token[1] for token in _TOKEN.finditer(template)} <= context.keys():
        return None
    path, _, query = _TOKEN.sub(lambda token: str(context[token[1]]), template).partition("?")
    kind, _, resource_id = path.partition("/")
    if resource_id:
        return next((r for r in story.of_type(kind) if r["id"] == resource_id), None)
    asked = parse_qs(query)
    found = [r for r in story.of_type(kind) if _matches(r, asked)]
    if "_sort" in asked:
        found.sort(key=_date, reverse=True)
    page = found[: int(asked.get("_count", ["1000"])[0])]
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in page]
    entries += [{"resource": resource, "search": {"mode": "include"}} for resource in _referred_to(page, story)]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries}


def _matches(resource: Mapping[str, Any], asked: Mapping[str, list[str]]) -> bool:
    status = asked.get("status")
    if status and resource.get("status") not in status[0].split(","):
        return False
    if resource.get("status") == "draft":
        return False
    if "code" not in asked:
        return True
    wanted = {token.rpartition("|")[2] for token in asked["code"][0].split(",")}
    concepts = [resource.get("code", {}), *(part.get("code", {}) for part in resource.get("component", ()))]
    return any(coding.get("code") in wanted for concept in concepts for coding in concept.get("coding", ()))


def _date(resource: Mapping[str, Any]) -> str:
    period = resource.get("effectivePeriod", {})
    return str(resource.get("effectiveDateTime") or period.get("end") or resource.get("issued") or "")


def _referred_to(page: Iterable[Mapping[str, Any]], story: Story) -> list[dict[str, Any]]:
    """The Medications that a page points to, as servers do that always include them."""
    targets = {str(r.get("medicationReference", {}).get("reference", "")).rpartition("/")[2] for r in page}
    return [m for m in story.of_type("Medication") if m["id"] in targets or f"urn:uuid:{m['id']}" in targets]


@contextmanager
def running_service() -> Iterator[str]:
    """The service in sandbox mode in a thread of this process; gives its address.

    Raises DemoError when it does not start within START_SECONDS.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = create_app(read_settings(sandbox=True, host="127.0.0.1", port=port, storage=False))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_for(server, thread)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise DemoError("the service did not start on a loopback port: try `ionwise serve --sandbox`")
        time.sleep(0.01)


def run_demo(language: str, console: Console, stories: Iterable[str] = SHOWN) -> None:
    """Show each story's cards at patient-view and, with unsigned orders, at order-select and order-sign; then those of
    a chart that is not sent but fetched.

    Raises DemoError when a call fails; KnowledgeError or SettingsError when the service cannot be built.
    """
    took: list[float] = []
    cards = 0
    with running_service() as address, requests.Session() as session:
        session.trust_env = False
        services = _discover(session, address)
        for story in map(read_story, stories):
            console.print(Panel(Text(story.told[language]), style="bold", title=story.name, title_align="left"))
            seen: set[str] = set()
            for hook in HOOKS if story.drafts else HOOKS[:1]:
                started = time.perf_counter()
                answer = _call(session, address, services[hook], story, language)
                took.append(time.perf_counter() - started)
                cards += len(answer["cards"])
                console.print(*show_answer(hook, answer, language, seen), sep="\n")
        _show_fetched(session, address, services[HOOKS[0]], language, console)
    mean = 1e3 * sum(took) / max(len(took), 1)
    console.print(_WORDS[language]["done"].format(calls=len(took), cards=cards, ms=mean), style="dim")


def _show_fetched(
    session: requests.Session, address: str, service: Mapping[str, Any], language: str, console: Console
) -> None:
    story = read_story(FETCHED)
    told = Text(f"{story.told[language]}\n{_WORDS[language]['fetched']}")
    console.print(Panel(told, style="bold", title=story.name, title_align="left"))
    with chart_server(lambda query: answer_template(query, story, {})) as server:
        answer = _call(session, address, service, story, language, server)
    console.print(*show_answer(service["hook"], answer, language, set()), sep="\n")


def _discover(session: requests.Session, address: str) -> dict[str, dict[str, Any]]:
    reply = session.get(f"{address}/cds-services", timeout=ANSWER_SECONDS)
    if reply.status_code != 200:
        raise DemoError(f"discovery answered {reply.status_code}")
    services = {service["hook"]: service for service in reply.json()["services"]}
    lacking = [hook for hook in HOOKS if hook not in services]
    if lacking:
        raise DemoError(f"discovery offers no service for {', '.join(lacking)}")
    return services


def _call(
    session: requests.Session,
    address: str,
    service: Mapping[str, Any],
    story: Story,
    language: str,
    server: str | None = None,
) -> dict[str, Any]:
    """The answer to a call that brings the prefetch or, in its place, the address of a FHIR server."""
    request = hook_request(story, service["hook"], {} if server else service["prefetch"])
    body = _WRITE(request | ({"fhirServer": server} if server else {}))
    headers = {"Content-Type": "application/json", "Accept-Language": language}
    reply = session.post(f"{address}/cds-services/{service['id']}", body, headers=headers, timeout=ANSWER_SECONDS)
    if reply.status_code != 200:
        raise DemoError(f"{service['hook']} for {story.name} answered {reply.status_code}: {reply.text}")
    answer: dict[str, Any] = reply.json()
    return answer


def show_answer(hook: str, answer: Mapping[str, Any], language: str, seen: set[str]) -> list[RenderableType]:
    """What a clinician would see: the hook, each card, and what could not be judged.

    `seen` collects the details shown; a card that was shown before is only named.
    """
    words, cards = _WORDS[language], answer["cards"]
    count = {0: words["none"], 1: words["one"]}.get(len(cards), words["many"].format(n=len(cards)))
    told: list[RenderableType] = [Text(f"{hook}: {count}", style="bold underline")]
    for card in cards:
        told.append(_title(card, f" ({words['again']})") if card["detail"] in seen else _card(card, words))
        seen.add(card["detail"])
    decision = answer.get("extension", {}).get("org.ionwise.decision", {})
    if decision.get("cannot_tell"):
        missing = ", ".join(entry["missing"] for entry in decision["cannot_tell"])
        told.append(Text(f"{words['unjudged']}: {missing}", style="dim"))
    if decision.get("unusable"):
        told.append(Text(f"{words['unusable']}: {', '.join(decision['unusable'])}", style="dim"))
    if decision.get("quarantined"):
        told.append(Text(f"{words['quarantined']}: {decision['quarantined']}", style="dim"))
    return [*told, Text()]


def _title(card: Mapping[str, Any], more: str = "") -> Text:
    return Text.assemble((f" {card['indicator']} ", _COLOURS[card["indicator"]]), " ", (card["summary"], "bold"), more)


def _card(card: Mapping[str, Any], words: Mapping[str, str]) -> Panel:
    parts: list[RenderableType] = [_title(card), Markdown(card["detail"]), Text()]
    for suggestion in card.get("suggestions", ()):
        parts.append(Text(f"{words['suggestion']}: {suggestion['label']}", style="cyan"))
    source = card["source"]
    parts.append(Text(f"{words['source']}: {source['label']}, {source.get('url', '')}", style="dim"))
    return Panel(Group(*parts), border_style=_BORDERS[card["indicator"]])
