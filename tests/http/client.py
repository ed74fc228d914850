"""A client that speaks ASGI itself: it can send a body in pieces and see how much of it the service asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Message

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """Status (0: no answer), headers (names in lower case), body, and how many pieces of the request were read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pieces_read: int

    @property
    def json(self) -> Any:
        """The decoded body."""
        return orjson.loads(self.body)

    @property
    def complaint(self) -> str:
        """The diagnostics of an OperationOutcome."""
        assert self.json["resourceType"] == "OperationOutcome"
        return str(self.json["issue"][0]["diagnostics"])


class Client:
    """Calls one application, without sockets."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def get(self, path: str, **headers: str) -> Reply:
        """GET; header names with underscores for hyphens."""
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: Any, headers: Mapping[str, str] = JSON) -> Reply:
        """POST bytes as they are, anything else as JSON."""
        return self.call("POST", path, body if isinstance(body, bytes) else orjson.dumps(body), headers)

    def call(
        self, method: str, path: str, body: bytes | Sequence[bytes] = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Any request; a sequence of bytes is sent piece by piece."""
        return asyncio.run(self.ask(method, path, [body] if isinstance(body, bytes) else list(body), headers or {}))

    async def ask(self, method: str, path: str, pieces: list[bytes], headers: Mapping[str, str]) -> Reply:
        """The same within a running event loop."""
        path, _, query = path.partition("?")
        sent = {"host": "cds.test:8000", **{name.lower(): value for name, value in headers.items()}}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        read = 0
        answers: list[Message] = []

        async def receive() -> Message:
            nonlocal read
            if read == len(pieces):
                return {"type": "http.disconnect"}
            read += 1
            return {"type": "http.request", "body": pieces[read - 1], "more_body": read < len(pieces)}

        async def send(message: Message) -> None:
            answers.append(message)

        await self.app(scope, receive, send)
        if not answers:
            return Reply(0, {}, b"", read)
        answered = {name.decode().lower(): value.decode() for name, value in answers[0]["headers"]}
        return Reply(answers[0]["status"], answered, b"".join(m.get("body", b"") for m in answers[1:]), read)
