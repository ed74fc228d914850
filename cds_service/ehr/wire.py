"""HTTP as an EHR speaks it: JSON with exact decimals, no redirects, every step timed, tokens never shown."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from cds_service.errors import EhrError, UnreachableError

EXACT = msgspec.json.Decoder(float_hook=Decimal)  # 0.70 stays 0.70: laboratories mean the digits they print
WRITE = msgspec.json.Encoder(decimal_format="number").encode
FHIR_JSON = "application/fhir+json, application/json;q=0.9"
SECONDS = 30.0
_SHOWN = 300


class Step(msgspec.Struct, frozen=True):
    """One exchange over the network: what it was for, its HTTP status (0: none) and how long it took."""

    name: str
    status: int
    seconds: float


class Reply(msgspec.Struct, frozen=True):
    """What came back, without our tokens: the decoded JSON (None when it is none) and the beginning of its text."""

    status: int
    body: Any
    text: str


class _Bearer(requests.auth.AuthBase):
    """Our own header and nothing else: without it, requests would take a login from the user's .netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Wire:
    """One session. `steps` collects what was asked and how long it took."""

    def __init__(self, seconds: float = SECONDS, ca_bundle: Path | None = None) -> None:
        """seconds: for how long each answer is waited for. ca_bundle: PEM file of authorities to trust."""
        self.steps: list[Step] = []
        self._seconds = seconds
        self._verify: bool | str = True if ca_bundle is None else str(ca_bundle)
        self._session = requests.Session()
        self._secrets: set[bytes] = set()
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # it logs addresses, and those hold patients' ids

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def hide(self, token: str) -> None:
        """Take a token out of everything that comes back: others echo what they were sent, and that may be printed."""
        self._secrets.add(token.encode())

    def get(self, step: str, url: str, token: str | None = None, accept: str = FHIR_JSON) -> Reply:
        """GET. Raises UnreachableError when nobody answers, EhrError for an address that cannot be used."""
        return self._send(step, "GET", url, None, token, {"Accept": accept})

    def post(
        self,
        step: str,
        url: str,
        body: bytes | Mapping[str, str],
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST bytes as JSON, or a mapping as a form. Raises as `get` does."""
        kind = "application/json" if isinstance(body, bytes) else "application/x-www-form-urlencoded"
        return self._send(
            step, "POST", url, body, token, {"Content-Type": kind, "Accept": "application/json"} | dict(headers or {})
        )

    def _send(
        self,
        step: str,
        method: str,
        url: str,
        body: bytes | Mapping[str, str] | None,
        token: str | None,
        headers: Mapping[str, str],
    ) -> Reply:
        place = check_address(step, url, with_token=token is not None)
        if token is not None:
            self.hide(token)
        self._session.trust_env = not is_loopback(url)  # no proxy between us and this computer
        started = time.perf_counter()
        status = 0
        try:
            answer = self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=_Bearer(token),
                timeout=self._seconds,
                allow_redirects=False,
                verify=self._verify,
            )
            status = answer.status_code
        except requests.Timeout:
            raise UnreachableError(f"{step}: {place} did not answer within {self._seconds:g} s -> try later") from None
        except requests.exceptions.SSLError as error:
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            remedy = "name its certificate's authority with --ca-bundle" if untrusted else "is it an https address?"
            raise UnreachableError(f"{step}: no secure connection to {place} -> {remedy}") from None
        except (requests.RequestException, OSError):
            raise UnreachableError(f"{step}: {place} cannot be reached -> check address, port and network") from None
        finally:
            self.steps.append(Step(step, status, time.perf_counter() - started))
        if 300 <= status < 400:
            target = urlsplit(answer.headers.get("Location", ""))
            raise EhrError(
                f"{step}: {place} points elsewhere ({status}) -> use its real address"
                + (f" at {target.scheme}://{target.netloc}" if target.netloc else "")
            )
        content = answer.content
        for secret in self._secrets:
            content = content.replace(secret, b"<token>")
        return Reply(status, _decoded(content), printable(content[:_SHOWN].decode("utf-8", "replace")))


def check_address(step: str, url: str, *, with_token: bool = False) -> str:
    """Scheme, host and port of an address, for messages.

    Raises EhrError when it is no http(s) address, holds a password, or would carry a token in clear over a network.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise EhrError(f"{step}: no http(s) address -> write it like https://host/path")
    if parts.username is not None:
        raise EhrError(f"{step}: the address holds a user name -> give a token with --token-file instead")
    place = f"{parts.scheme}://{parts.netloc}"
    if with_token and parts.scheme == "http" and not is_loopback(url):
        raise EhrError(f"{step}: the token would travel unencrypted to {place} -> use https")
    return place


def is_loopback(url: str) -> bool:
    """Whether the address is this very computer."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def printable(text: str) -> str:
    """A text without characters that steer a terminal."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def told_by(reply: Reply) -> str:
    """Why the other side refused, in its own words: the issues of its OperationOutcome, else the body's beginning."""
    issues = reply.body.get("issue") if isinstance(reply.body, dict) else None
    told = []
    for issue in issues if isinstance(issues, list) else ():
        if isinstance(issue, dict):
            details = issue.get("details")
            text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None)
            told.append(str(text or issue.get("code", "")))
    return printable("; ".join(filter(None, told)))[:_SHOWN] or reply.text.strip() or "nothing more was said"


def _decoded(content: bytes) -> Any:
    try:
        return EXACT.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
