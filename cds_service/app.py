"""The composition root: settings and knowledge in, one ASGI application out. Nothing registers itself on import."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI

from cds_service.engine.suppress import Memory
from cds_service.errors import SettingsError
from cds_service.fhir.call import Call
from cds_service.fhir.client import FhirClients
from cds_service.fhir.profiles import PROFILES
from cds_service.knowledge.model import Knowledge
from cds_service.service.capture import Captures
from cds_service.service.decide import Assessment, Decider
from cds_service.service.fetch import Fetcher, FetchLimits
from cds_service.service.keeper import Keeper
from cds_service.service.meter import Meter
from cds_service.settings import Settings, read_settings, release
from cds_service.storage.audit import worker_trail
from cds_service.storage.pseudonyms import find_pseudonyms
from cds_service.storage.store import open_store
from cds_service.tenancy import Manner, Tenancy
from cds_service.web.cors import headers_without_origin, install_cors
from cds_service.web.discovery import discovery_routes
from cds_service.web.edge import Answer, Edge, Voice
from cds_service.web.feedback import feedback_routes
from cds_service.web.front import Front
from cds_service.web.health import health_router
from cds_service.web.hooks import hook_paths, hook_routes
from cds_service.web.log import configure_logging
from cds_service.web.metrics import metrics_routes
from cds_service.web.openapi import build_openapi
from cds_service.web.problems import install_problems
from cds_service.web.protocol import BoundedHead
from cds_service.web.rule_page import rule_router
from cds_service.web.sites import Adviser, Answered, Opinion
from cds_service.web.value_sets import value_set_router

if TYPE_CHECKING:
    from cds_service.web.auth import Gate


def create_app(settings: Settings, knowledge: Knowledge | None = None, answer: Answer | None = None) -> FastAPI:
    """The application for one set of settings.

    knowledge: default as loaded from the settings' cards folder. answer: default the decision with that knowledge.
    Raises KnowledgeError when the knowledge or an overlay is refused, SettingsError when a setting or the clients file
    is, or when outside the sandbox something is missing without which nobody could be trusted.
    """
    if not settings.sandbox:
        refuse_half_open(settings)
    tenancy = Tenancy(
        settings,
        lambda known, manner: _instead(answer) if answer else decide_with(settings, known, manner),
        knowledge,
    )
    meter = Meter()
    keeper = open_keeper(settings, meter)
    gate = open_gate(settings, tenancy, keeper)
    clients = FhirClients(sandbox=settings.sandbox, networks=settings.sandbox_networks if settings.sandbox else ())
    edge = Edge(
        sites=tenancy.sites,
        loopback=_loopback(settings),
        clock=_now,
        public_url=settings.public_url,
        sandbox=settings.sandbox,
        max_body_bytes=settings.max_body_bytes,
        keeper=keeper,
        pages_url=settings.pages_url,
        canonical_base=settings.canonical_base,
        record=tenancy.record,
        gate=gate,
        protect_discovery=settings.protect_discovery,
        fetcher=Fetcher(clients, _fetch_limits(settings)),
        release=release(),
        captures=Captures(settings.data_dir),
        meter=meter,
    )
    app = Front(
        hook_paths(edge, headers_without_origin(settings.allowed_origins)),
        title="Ionwise",
        version=edge.knowledge.version,
        docs_url=None,  # its page would load scripts of others
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_living(keeper, clients, edge),
    )
    app.router.routes.extend(
        [*discovery_routes(edge), *hook_routes(edge), *feedback_routes(edge), *metrics_routes(edge)]
    )
    app.include_router(health_router(edge))
    app.include_router(rule_router(edge))
    app.include_router(value_set_router(edge))
    app.state.tenancy = tenancy
    app.state.gate = gate
    app.state.fetched = clients.outcomes
    app.openapi = _documented(app, edge)  # type: ignore[method-assign]  # how FastAPI wants its document replaced
    install_problems(app)
    install_cors(app, settings.allowed_origins)
    return app


def refuse_half_open(settings: Settings) -> None:
    """Raises SettingsError naming all that a service for patients is missing."""
    missing = []
    if settings.clients_file is None:
        missing.append(
            "IONWISE_CLIENTS_FILE: missing, there is no trusted client and nobody could be authenticated -> name the"
            " file that `ionwise clients add` writes, or add --sandbox to try Ionwise out"
        )
    if settings.public_url is None or not settings.public_url.startswith("https:"):
        missing.append(
            "IONWISE_PUBLIC_URL: must be the https address at which clients reach this service: tokens are made out to"
            " it -> set it to the address of the TLS proxy"
        )
    if not settings.storage:
        missing.append(
            "IONWISE_STORAGE: must be true outside the sandbox: without it a token that was used before is not known"
            " -> leave it out"
        )
    if missing:
        raise SettingsError("\n".join(missing))


def open_gate(settings: Settings, tenancy: Tenancy, keeper: Keeper | None) -> Gate | None:
    """What lets callers in; None in a sandbox without a clients file, where anybody may call.

    Raises SettingsError when outside the sandbox there is nobody to let in.
    """
    if settings.sandbox and settings.clients_file is None:
        return None
    if not settings.sandbox and not tenancy.sites.table.clients.by_issuer:
        raise SettingsError(f"{settings.clients_file}: names no trusted client -> `ionwise clients add`")
    from cds_service.trust.fetching import fetch_key_set
    from cds_service.trust.key_ring import KeyRing  # with it comes the cryptography
    from cds_service.web.auth import Gate

    return Gate(
        tenancy.sites,
        KeyRing(partial(fetch_key_set, sandbox=settings.sandbox)),
        _now,
        settings.public_url or _loopback(settings),
        spend=None if keeper is None else keeper.spend_token,
        optional=settings.sandbox,
        https_only=bool(settings.trusted_proxies),
    )


def _loopback(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


def _now() -> datetime:
    return datetime.now(UTC)


def decide_with(settings: Settings, knowledge: Knowledge, manner: Manner) -> Adviser:
    """The decision bound to one knowledge, one set of settings and one kind of client."""

    @lru_cache(maxsize=64)  # one per language and address; outside the sandbox there is one address
    def decider(voice: Voice) -> Decider:
        options = settings.decide_options(
            language=voice.language,
            base_url=voice.base_url,
            form=PROFILES[manner.profile].cards,
            decision_extension=manner.decision_extension,
        )
        return Decider(knowledge, options.for_tenant(knowledge.tenant))

    def advise(call: Call, voice: Voice, switched: Mapping[str, str]) -> Opinion:
        deciding = decider(voice)
        assessment = deciding.assess(call, switched)
        return Opinion(assessment.sifted.visible, partial(_conclude, deciding, assessment))

    return advise


def _conclude(deciding: Decider, assessment: Assessment, memory: Memory) -> Answered:
    decision = deciding.conclude(assessment, memory)
    return Answered(decision.response, decision)


def _instead(answer: Answer) -> Adviser:
    return lambda call, voice, _: Opinion((), lambda _: Answered(answer(call, voice), None))


def open_keeper(settings: Settings, meter: Meter) -> Keeper | None:
    """What keeps and remembers, not started yet; None when the settings say that nothing is kept.

    Raises SettingsError when the address of the database or the pseudonym key is no good.
    """
    if not settings.storage:
        return None
    people = find_pseudonyms(settings.pseudonym_key_file, settings.data_dir, create=settings.sandbox)
    audited = not settings.sandbox if settings.audit is None else settings.audit
    store = open_store(
        settings.database_url,
        data_dir=settings.data_dir,
        recall_seconds=settings.memory_budget_ms / 1000,
        trail=worker_trail(people.seal_keys(), release()) if audited else None,
        watch=meter.watch,
    )
    return Keeper(store, people)


def _fetch_limits(settings: Settings) -> FetchLimits:
    return FetchLimits(settings.fetch_budget_ms / 1000, settings.response_budget_ms / 1000, settings.max_body_bytes)


def _living(
    keeper: Keeper | None, clients: FhirClients, edge: Edge
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The store and the connections to FHIR servers live as long as the server, and what was captured no longer than
    was ordered."""

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            if keeper is not None:
                await keeper.start()
                closing.push_async_callback(keeper.close)
            closing.push_async_callback(clients.aclose)
            edge.captures.look(edge.clock())
            tending = asyncio.create_task(edge.captures.tend(edge.clock), name="ionwise-captures")
            closing.callback(tending.cancel)
            yield

    return live


def _documented(app: FastAPI, edge: Edge) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_openapi(app, edge)
        return app.openapi_schema

    return openapi


def run_server(*, sandbox: bool | None = None, host: str | None = None, port: int | None = None) -> None:
    """Serve in this process until stopped; arguments that are None come from the environment.

    Raises SettingsError for wrong settings and clients, and outside the sandbox for missing ones; KnowledgeError when
    the knowledge is refused.
    """
    settings = read_settings(sandbox=sandbox, host=host, port=port)
    gc.disable()  # until all is loaded: the collector would look through what stays for good
    configure_logging(settings.log_level, settings.log_format)
    app = create_app(settings)
    app.state.tenancy.reload_on_hangup()
    app.state.reserve = _settle_memory()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHead,
        access_log=False,
        server_header=False,
        log_config=None,
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
    )


def _settle_memory() -> list[bytes]:
    """Spare every call the work on memory that is always the same; keep what is returned for as long as calls come.

    The knowledge lives as long as the process and facts hold no cycles: the collector need not look at them each time.
    What is returned pins the 8 MB that a large chart takes: else Python frees and asks for them again in every call.
    """
    reserve = [bytes(480) for _ in range(16_384)][::1024]
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    return reserve
