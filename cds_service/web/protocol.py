"""HTTP as uvicorn speaks it, with a bound on what comes before a body: its parser keeps a head of any length."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024


class BoundedHead(HttpToolsProtocol):
    """Answers 400 to a head of more than about MOST_HEAD_BYTES, and hangs up, before anybody was asked who calls."""

    _head = 0
    _ended = False  # a head or a body, in the piece that came last
    _in_body = False

    def data_received(self, data: bytes) -> None:
        """What came over the connection, in the pieces in which it came."""
        self._ended = False
        super().data_received(data)
        if self._in_body or self._ended:
            return
        self._head += len(data)
        if self._head > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._ended = self._in_body = True
        self._head = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head may begin."""
        super().on_message_complete()
        self._in_body = False
        self._ended = True
