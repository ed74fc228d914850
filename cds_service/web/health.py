"""GET /live, /ready and /version, for whoever keeps the service running."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from cds_service.web.edge import Edge


class Live(BaseModel):
    """The process answers."""

    status: str = "live"


class StorageState(BaseModel):
    """How storage is. Cards are given in every state; `off`: this deployment keeps nothing."""

    state: Literal["ready", "degraded", "unavailable", "off"]
    detail: str = ""
    waiting: int = 0
    dropped: int = 0
    switches_known: bool = True


class Ready(BaseModel):
    """The knowledge is loaded: its version, the hash of the site's overlay, the number of rules; and how storage is.

    status: `degraded` when calls are answered but something is not kept, or not remembered.
    """

    status: Literal["ready", "degraded"]
    knowledge: str
    overlay: str
    rules: int
    storage: StorageState


class Version(BaseModel):
    """What runs here: the program's release, and the knowledge's own version and overlay."""

    release: str
    knowledge: str
    overlay: str
    cds_hooks: str = "2.0"


def health_router(edge: Edge) -> APIRouter:
    """The endpoints; none needs authentication nor tells anything about patients."""
    router = APIRouter(tags=["health"])

    @router.get("/live", summary="Does the process answer?")
    async def live() -> Live:
        return Live()

    @router.get("/ready", summary="Is the knowledge loaded, and which?")
    async def ready() -> Ready:
        storage = await _storage(edge)
        return Ready(
            status="ready" if storage.state in ("ready", "off") else "degraded",
            storage=storage,
            knowledge=edge.knowledge.version,
            overlay=edge.knowledge.overlay_hash,
            rules=len(edge.knowledge.rules),
        )

    @router.get("/version", summary="Which release and which knowledge run here?")
    async def version() -> Version:
        knowledge = edge.knowledge
        return Version(release=edge.release, knowledge=knowledge.version, overlay=knowledge.overlay_hash)

    return router


async def _storage(edge: Edge) -> StorageState:
    if edge.keeper is None:
        return StorageState(state="off")
    found = await edge.keeper.health()
    return StorageState(
        state=found.state,
        detail=found.detail,
        waiting=found.waiting,
        dropped=found.dropped,
        switches_known=found.switches,
    )
