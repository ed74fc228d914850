"""POST /cds-services/{id}/feedback: what became of our cards. Acknowledged when it is on disk, not before."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cds_service.errors import RequestError, StorageError
from cds_service.service.envelope import CONTEXTS
from cds_service.service.feedback import decode_feedback
from cds_service.service.keeper import Keeper
from cds_service.web.body import read_body
from cds_service.web.caller import ANYBODY
from cds_service.web.edge import Edge
from cds_service.web.headers import read_headers, require_json
from cds_service.web.hooks import ALLOW, SERVICE_PREFIX
from cds_service.web.log import record, record_crash
from cds_service.web.problems import method_response, outcome_response, problem_response

MOST_BYTES = 1024 * 1024
_SERVICES = frozenset(SERVICE_PREFIX + hook for hook in CONTEXTS)


def feedback_routes(edge: Edge) -> list[Route]:
    """The feedback endpoint, with and without trailing slash; none in a deployment that keeps nothing."""
    if edge.keeper is None:
        return []
    endpoint = FeedbackEndpoint(edge, edge.keeper)
    path = "/cds-services/{service_id}/feedback"
    return [Route(path, endpoint, name="feedback"), Route(path + "/", endpoint, name="feedback")]


class FeedbackEndpoint:
    """Stores all reports of a request or none. Nothing of them, comments least of all, is ever logged."""

    def __init__(self, edge: Edge, keeper: Keeper) -> None:
        self._edge = edge
        self._keeper = keeper
        self._endpoints = {service: _endpoints(edge, service) for service in _SERVICES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """200 once everything is stored; 503 with Retry-After when it cannot be; 400 for a body that is no feedback."""
        if scope["path_params"]["service_id"] not in _SERVICES:
            response = outcome_response(404, "not-found", "no service has this id; GET /cds-services lists them")
        elif scope["method"] != "POST":
            response = method_response(scope["method"], ALLOW)
        else:
            try:
                response = await self._post(scope, receive)
            except ClientDisconnect:
                return
            record("feedback", status=response.status_code)
        await response(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive) -> Response:
        edge = self._edge
        try:
            headers = read_headers(scope)
            caller = ANYBODY
            if edge.gate is not None:
                caller = await edge.gate.admit(scope, headers, self._endpoints[scope["path_params"]["service_id"]])
            require_json(headers)
            body = await read_body(receive, headers, min(MOST_BYTES, edge.max_body_bytes))
            reports, extension = decode_feedback(body)
            site = caller.site or edge.sites.of(extension, sandbox=edge.sandbox)
            if reports:
                tenant = site.knowledge.tenant.name
                await self._keeper.add_feedback(tenant, caller.name, reports, edge.clock())
                for report in reports:
                    edge.meter.add("feedback", tenant, caller.name, report.outcome)
        except ClientDisconnect:
            raise
        except StorageError as error:
            return outcome_response(
                503,
                "transient",
                "it is not certain that the feedback is stored; send it again later, repeats are stored once",
                {"Retry-After": str(error.retry_after)},
            )
        except Exception as error:
            if not isinstance(error, RequestError):
                record_crash(error)
            return problem_response(error)
        return Response(b"{}", headers={"Cache-Control": "no-store"}, media_type="application/json")


def _endpoints(edge: Edge, service: str) -> frozenset[str]:
    """What a token may name as its audience: the feedback endpoint, or the service that issued the cards."""
    path = f"/cds-services/{service}"
    return edge.gate.endpoints(path, path + "/feedback") if edge.gate else frozenset()
