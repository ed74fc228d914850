"""Tests of trust run in the event loop of the service."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"
