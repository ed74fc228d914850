"""`ionwise demo`: the real service on a free loopback port, and an EHR that calls it about hand-made patients.

The EHR side is that of `ionwise fire`: it reads discovery, fills every prefetch template from the patient's resources,
puts the unsigned orders into draftOrders, posts over HTTP and shows the cards.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
import uvicorn
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cds_service.app import create_app
from cds_service.ehr.cards import WORDS, show_answer
from cds_service.ehr.chart_server import chart_server
from cds_service.ehr.file_records import FileRecords, read_files
from cds_service.ehr.hook_calls import Service, build_context, call_service, choose_service, discover, fill_prefetch
from cds_service.ehr.wire import Wire
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


class DemoError(IonwiseError):
    """The demonstration failed; the message says at which step."""


class Story(msgspec.Struct, frozen=True):
    """One fixture patient: what it is about in each language, and the chart (drafts among its resources)."""

    name: str
    told: Mapping[str, str]
    records: FileRecords

    @property
    def drafts(self) -> list[dict[str, Any]]:
        """The unsigned orders."""
        return self.records.drafts()

    def context(self, hook: str) -> dict[str, Any]:
        """The hook's context, as far as the chart knows it."""
        encounters = self.records.of_type("Encounter")
        encounter = encounters[0]["id"] if encounters else None
        return build_context(hook, self.records.patient_id, "Practitioner/demo", encounter, self.drafts)


def read_story(name: str, folder: Path = FIXTURES) -> Story:
    """The fixture patient of this name. Raises DemoError when the fixtures are not there."""
    place = folder / "patients" / f"{name}.json"
    try:
        told = msgspec.json.decode((folder / "patients" / "stories.json").read_bytes())[name]
        return Story(name, told, read_files(place))
    except (OSError, KeyError) as error:
        raise DemoError(f"the fixture patient {name} is missing: run from a checkout, installed with -e") from error


def hook_request(story: Story, service: Service, as_of: str = AS_OF) -> dict[str, Any]:
    """The request that an EHR posts for this patient to this service."""
    context = story.context(service.hook)
    prefetch = fill_prefetch(service, story.records, context, datetime.fromisoformat(as_of).date())
    return {
        "hook": service.hook,
        "hookInstance": str(uuid5(NAMESPACE_URL, f"{story.name}/{service.hook}")),
        "context": context,
        "prefetch": prefetch.answers,
        "extension": {"org.ionwise.as-of": as_of},
    }


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

    Raises EhrError when a call fails, DemoError before that; KnowledgeError or SettingsError when the service cannot
    be built.
    """
    calls = cards = 0
    with running_service() as address, Wire(ANSWER_SECONDS) as wire:
        offered = discover(wire, address)
        services = {hook: choose_service(offered, hook) for hook in HOOKS}
        for story in map(read_story, stories):
            console.print(Panel(Text(story.told[language]), style="bold", title=story.name, title_align="left"))
            seen: set[str] = set()
            for hook in HOOKS if story.drafts else HOOKS[:1]:
                answer = call_service(wire, services[hook], hook_request(story, services[hook]), language=language)
                calls, cards = calls + 1, cards + len(answer["cards"])
                console.print(*show_answer(hook, answer, language, seen), sep="\n")
        cards += _show_fetched(wire, services[HOOKS[0]], language, console)
    took = sum(step.seconds for step in wire.steps if step.name in HOOKS)
    mean = 1e3 * took / (calls + 1)
    console.print(WORDS[language]["done"].format(calls=calls + 1, cards=cards, ms=mean), style="dim")


def _show_fetched(wire: Wire, service: Service, language: str, console: Console) -> int:
    """A chart that is not sent but read from the FHIR server of the EHR; how many cards came."""
    story = read_story(FETCHED)
    told = Text(f"{story.told[language]}\n{WORDS[language]['fetched']}")
    console.print(Panel(told, style="bold", title=story.name, title_align="left"))
    bare = msgspec.structs.replace(service, prefetch={})
    with chart_server(lambda query: story.records.ask(query, "fetched")) as server:
        request = hook_request(story, bare) | {"fhirServer": server}
        answer = call_service(wire, service, request, language=language)
    console.print(*show_answer(service.hook, answer, language, set()), sep="\n")
    return len(answer["cards"])
