"""GET /valuesets and /valuesets/{id}: what a rule means by a group of drugs, a condition or a result, as FHIR R4."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from cds_service.errors import RequestError
from cds_service.fhir.value_sets import ValueSets
from cds_service.web.edge import Edge
from cds_service.web.rule_page import HEADERS, Tenant, site_of


def value_set_router(edge: Edge) -> APIRouter:
    """The list and each value set, with the codes that the site added."""
    router = APIRouter(tags=["value sets"])

    def gather(tenant: str | None) -> ValueSets:
        return ValueSets(site_of(edge, tenant).knowledge, edge.canonical_base)

    # Not async: no hook call should wait while the codes are gathered.
    @router.get("/valuesets", summary="The ids of all value sets")
    def index(tenant: Tenant = None) -> list[str]:
        return list(gather(tenant).ids)

    @router.get("/valuesets/{value_set_id}", summary="One value set as a FHIR R4 ValueSet", response_class=Response)
    def one(value_set_id: str, tenant: Tenant = None) -> Response:
        try:
            found = gather(tenant).resource(value_set_id)
        except KeyError:
            raise RequestError(404, "not-found", "no value set has this id; see /valuesets") from None
        return Response(orjson.dumps(found), media_type="application/fhir+json", headers=HEADERS)

    return router
