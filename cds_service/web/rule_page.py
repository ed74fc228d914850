"""GET /rules/{id}: the page that a card's source links to; /rules/{id}.json: its source attributes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import HTMLResponse, JSONResponse

from cds_service.errors import RequestError
from cds_service.service.rule_sheet import RuleSheet, rule_sheet
from cds_service.service.source_attributes import REGULATION, source_attributes
from cds_service.web.edge import Edge
from cds_service.web.headers import choose_language
from cds_service.web.rule_html import rule_html
from cds_service.web.sites import Site

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=3600"}
_PAGE_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Vary": "Accept-Language",
}
Tenant = Annotated[str | None, Query(description="Show the limits of this tenant.")]


def rule_router(edge: Edge) -> APIRouter:
    """The rule pages, in the language that the browser prefers among the site's languages."""
    router = APIRouter(tags=["rules"])

    # Not async: the first reader of a rule waits for its cases to be read, and no hook call should wait along.
    @router.get("/rules/{rule_id}.json", summary="The source attributes of a rule, as certification asks for them")
    def attributes(rule_id: str, tenant: Tenant = None) -> JSONResponse:
        site = site_of(edge, tenant)
        return JSONResponse(rule_json(_sheet(edge, site, rule_id), site.knowledge.version), headers=HEADERS)

    @router.get(
        "/rules/{rule_id}", summary="What a rule looks for, its limits and its sources", response_class=HTMLResponse
    )
    def rule(
        rule_id: str, tenant: Tenant = None, accept_language: Annotated[str | None, Header()] = None
    ) -> HTMLResponse:
        site = site_of(edge, tenant)
        language = choose_language(accept_language, site.languages)
        query = f"?tenant={site.knowledge.tenant.name}" if tenant else ""
        page = rule_html(_sheet(edge, site, rule_id), site.knowledge.version, language, query)
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    return router


def site_of(edge: Edge, tenant: str | None) -> Site:
    """The tenant that a page is asked about; without a name the one that is shown. RequestError 404 for an unknown."""
    if tenant is None:
        return edge.shown
    site = edge.sites.table.by_name.get(tenant)
    if site is None:
        raise RequestError(404, "not-found", "no tenant has this name")
    return site


def rule_json(sheet: RuleSheet, version: str) -> dict[str, Any]:
    """The rule's id, titles, status and attributes, and its limits as they stand at this site."""
    rule = sheet.rule
    return {
        "id": rule.id,
        "title": dict(rule.title),
        "status": rule.status,
        "decision": sheet.decision,
        "regulation": REGULATION,
        "sourceAttributes": source_attributes(sheet, version),
        "limits": [
            {"name": row.limit.name, "value": str(row.limit.value), "unit": row.limit.unit, "ownValue": row.own,
             "provenance": row.limit.provenance, "source": row.cited or None}
            for row in sheet.limits
        ],
        "knownLimits": [dict(text) for text in rule.known_limits],
    }  # fmt: skip


def _sheet(edge: Edge, site: Site, rule_id: str) -> RuleSheet:
    rule = next((rule for rule in site.knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise RequestError(404, "not-found", "no rule has this id")
    return rule_sheet(site.knowledge, rule, edge.record(rule_id))
