"""The composition root: settings and knowledge in, one ASGI application out. Nothing registers itself on import."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import uvicorn
from fastapi import FastAPI

from cds_service.errors import SettingsError
from cds_service.fhir.profiles import PROFILES, apply_profile
from cds_service.fhir.write import validate_orders
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions, Decider
from cds_service.settings import Settings, read_settings
from cds_service.web.cors import headers_without_origin, install_cors
from cds_service.web.discovery import discovery_routes
from cds_service.web.edge import Answer, Edge, Voice
from cds_service.web.front import Front
from cds_service.web.health import health_router
from cds_service.web.hooks import hook_paths, hook_routes
from cds_service.web.openapi import build_openapi
from cds_service.web.problems import install_problems
from cds_service.web.rule_page import rule_router


def create_app(settings: Settings, knowledge: Knowledge | None = None, answer: Answer | None = None) -> FastAPI:
    """The application for one set of settings.

    knowledge: default as loaded from the settings' cards folder. answer: default the decision with that knowledge.
    Raises KnowledgeError when the knowledge is refused, SettingsError when no setting tells our address.
    """
    if settings.public_url is None and not settings.sandbox:
        raise SettingsError("IONWISE_PUBLIC_URL: missing -> set it to the address at which clients reach this service")
    knowledge = knowledge or load_knowledge(settings.cards_dir)
    validate_orders(knowledge.orders.values(), settings.languages)
    edge = Edge(
        knowledge=knowledge,
        plan=apply_profile(knowledge.key_plan, PROFILES[settings.profile]),
        answer=answer or decide_with(settings, knowledge),
        languages=settings.languages,
        loopback=f"http://127.0.0.1:{settings.port}",
        clock=lambda: datetime.now(UTC),
        public_url=settings.public_url,
        sandbox=settings.sandbox,
        absent_sources=frozenset(settings.absent_sources),
        max_body_bytes=settings.max_body_bytes,
    )
    short = hook_paths(edge, headers_without_origin(settings.allowed_origins))
    app = Front(short, title="Ionwise", version=knowledge.version, redoc_url=None, redirect_slashes=False)
    app.router.routes.extend([*discovery_routes(edge), *hook_routes(edge)])
    app.include_router(health_router(edge))
    app.include_router(rule_router(edge))
    app.openapi = _documented(app, edge)  # type: ignore[method-assign]  # how FastAPI wants its document replaced
    install_problems(app)
    install_cors(app, settings.allowed_origins)
    return app


def decide_with(settings: Settings, knowledge: Knowledge) -> Answer:
    """The decision bound to one knowledge and one set of settings."""

    @lru_cache(maxsize=64)  # one per language and address; outside the sandbox there is one address
    def decider(voice: Voice) -> Decider:
        options = DecideOptions(
            language=voice.language,
            zone=settings.zone,
            base_url=voice.base_url,
            canonical_base=settings.canonical_base,
            topic_hyphens=PROFILES[settings.profile].topic_hyphens,
            sandbox=settings.sandbox,
            decision_extension=settings.decision_extension,
            admit_unknown_status=settings.admit_unknown_status,
            settings={"icu_locations": frozenset(settings.icu_locations)},
        )
        return Decider(knowledge, options)

    return lambda call, voice: decider(voice).decide(call).response


def _documented(app: FastAPI, edge: Edge) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_openapi(app, edge)
        return app.openapi_schema

    return openapi


def run_server(*, sandbox: bool | None = None, host: str | None = None, port: int | None = None) -> None:
    """Serve in this process until stopped; arguments that are None come from the environment.

    Raises SettingsError for wrong settings, and outside the sandbox because no trusted client can be named;
    KnowledgeError when the knowledge is refused.
    """
    settings = read_settings(sandbox=sandbox, host=host, port=port)
    if not settings.sandbox:
        raise SettingsError(
            "no trusted client is configured, nobody could be authenticated -> add --sandbox to try Ionwise out"
        )
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = create_app(settings)
    app.state.reserve = _settle_memory()
    uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, server_header=False)


def _settle_memory() -> list[bytes]:
    """Spare every call the work on memory that is always the same; keep what is returned for as long as calls come.

    The knowledge lives as long as the process and facts hold no cycles: the collector need not look at them each time.
    What is returned pins the 8 MB that a large chart takes: else Python frees and asks for them again in every call.
    """
    reserve = [bytes(480) for _ in range(16_384)][::1024]
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    return reserve
