"""GET /live and /ready, for whoever keeps the service running."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from cds_service.web.edge import Edge


class Live(BaseModel):
    """The process answers."""

    status: str = "live"


class Ready(BaseModel):
    """The knowledge is loaded: its version, the hash of the site's overlay, the number of rules."""

    status: str = "ready"
    knowledge: str
    overlay: str
    rules: int


def health_router(edge: Edge) -> APIRouter:
    """Both endpoints; neither needs authentication nor tells anything about patients."""
    router = APIRouter(tags=["health"])

    @router.get("/live", summary="Does the process answer?")
    async def live() -> Live:
        return Live()

    @router.get("/ready", summary="Is the knowledge loaded, and which?")
    async def ready() -> Ready:
        return Ready(
            knowledge=edge.knowledge.version, overlay=edge.knowledge.overlay_hash, rules=len(edge.knowledge.rules)
        )

    return router
