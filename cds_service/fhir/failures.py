"""How a request of ours to another server can fail: a closed list of names, for log, counters and answers."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

from cds_service.errors import IonwiseError


class Failure(StrEnum):
    """One name per cause; none holds an address, an id or a token."""

    REFUSED_SERVER = "refused-server"  # this client may not have us read that server
    REFUSED_URL = "refused-url"  # no plain https address, or one with credentials in it
    REFUSED_ADDRESS = "refused-address"  # the name leads to an address that is never, or not here, to be called
    REFUSED_TOKEN = "refused-token"  # noqa: S105 - not a bearer token, or not one that fits a header
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    OTHER_PATIENT = "other-patient"  # the token is for another patient than the call
    UNSAFE_ID = "unsafe-id"  # an id that would change the meaning of a query
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    CLOSED = "closed"  # the connection ended before the answer did
    REDIRECT = "redirect"  # never followed
    STATUS_401 = "status-401"
    STATUS_403 = "status-403"
    STATUS_404 = "status-404"
    STATUS_410 = "status-410"
    STATUS_429 = "status-429"
    STATUS_4XX = "status-4xx"
    STATUS_503 = "status-503"
    STATUS_5XX = "status-5xx"
    ENCODING = "encoding"  # compressed otherwise than with gzip, or broken gzip
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    NOT_JSON = "not-json"
    WRONG_RESOURCE = "wrong-resource"  # another resource than was asked for
    OUTCOME = "outcome"  # an OperationOutcome that tells of an error
    TOO_MANY = "too-many"  # more pages or resources than are read for one key
    ELSEWHERE = "elsewhere"  # the next page is said to be on another server or outside its base path
    CRASH = "crash"  # a fault of ours


_BY_STATUS: Final = {int(failure[-3:]): failure for failure in Failure if failure[-3:].isdigit()}


def failure_of(status: int) -> Failure:
    """The failure that a status other than 2xx stands for."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        return Failure.REDIRECT
    return Failure.STATUS_4XX if status < 500 else Failure.STATUS_5XX


class OutboundError(IonwiseError):
    """A request of ours failed, or was not made. `status`: of the answer, 0 without one; `retry_after` in seconds."""

    def __init__(self, failure: Failure, status: int = 0, retry_after: float | None = None) -> None:
        self.failure = failure
        self.status = status
        self.retry_after = retry_after
        super().__init__(f"the request failed: {failure}")


class Outcomes:
    """How requests to FHIR servers ended since the start of the process: `ok`, or the name of a failure -> count.

    keys: the same per need of a call, after retries and paging: what a metric should show.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
