"""The OpenAPI document: FastAPI's for its own routes, plus the CDS Hooks endpoints, which are plain ASGI routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from cds_service.web.edge import Edge
from cds_service.web.hooks import SERVICE_PREFIX
from cds_service.web.wire import REQUESTS, Discovery, HookResponse, OperationOutcome
from cds_service.web.wire_feedback import Feedback

_REF = "#/components/schemas/{model}"
_PROBLEMS: Mapping[int, str] = {
    400: "The request is not JSON, or a member is missing or has the wrong shape, or it is about two patients",
    401: "No token of a trusted client, or one that is refused",
    403: "Plain http where https is asked for",
    404: "No service has this id",
    405: "Wrong method",
    412: "Required prefetch is missing or failed",
    413: "The body is too large",
    415: "The body is not declared to be JSON, or has an unknown encoding",
    429: "More calls than this client may make; see Retry-After",
    500: "A bug; it has been logged",
    503: "Whether the token was used before cannot be told now; see Retry-After",
}


def build_openapi(app: FastAPI, edge: Edge) -> dict[str, Any]:
    """The whole document as a JSON object."""
    document = get_openapi(
        title=app.title, version=edge.knowledge.version, routes=app.routes, description=app.description
    )
    models: list[type[BaseModel]] = [
        Discovery,
        Feedback,
        HookResponse,
        OperationOutcome,
        *dict.fromkeys(REQUESTS.values()),
    ]
    wanted: list[tuple[type[BaseModel] | type[Any], JsonSchemaMode]] = [(model, "validation") for model in models]
    _, definitions = models_json_schema(wanted, ref_template=_REF)
    document.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
    document["paths"]["/cds-services"] = {
        "get": {
            "summary": "Which services there are",
            "tags": ["cds-hooks"],
            "responses": {"200": _body("The services", Discovery)},
        }
    }
    for hook, request in REQUESTS.items():
        document["paths"][f"/cds-services/{SERVICE_PREFIX}{hook}"] = {"post": _operation(hook, request)}
    if edge.keeper is not None:
        document["paths"]["/cds-services/{service_id}/feedback"] = {"post": _feedback()}
    return document


def _operation(hook: str, request: type[BaseModel]) -> dict[str, Any]:
    return {
        "summary": f"Answer the hook {hook}",
        "tags": ["cds-hooks"],
        "requestBody": {"required": True, **_content(request)},
        "responses": {
            "200": _body("Cards, or none", HookResponse),
            **{str(status): _body(text, OperationOutcome) for status, text in _PROBLEMS.items()},
        },
    }


def _feedback() -> dict[str, Any]:
    problems = {status: text for status, text in _PROBLEMS.items() if status != 412}
    problems |= {400: "The body is no feedback", 503: "It cannot be stored now; see Retry-After"}
    return {
        "summary": "Take note of what became of cards",
        "tags": ["cds-hooks"],
        "parameters": [{"name": "service_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, **_content(Feedback)},
        "responses": {
            "200": {"description": "All of it is stored"},
            **{str(status): _body(text, OperationOutcome) for status, text in problems.items()},
        },
    }


def _body(text: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, **_content(model)}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}}
