"""The CDS Hooks request as sent: which members it has, of which shape. Resources inside it stay undecoded.

Unknown members are ignored; a member that is null or "" counts as absent; a member given twice is refused, because two
readers of the same request could then see two different patients.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TypedDict, TypeVar

import msgspec

from cds_service.errors import RequestError

Members = Mapping[str, msgspec.Raw]
Nested = Mapping[str, msgspec.Raw | dict[str, msgspec.Raw]]
Shape = TypeVar("Shape")


class _Root(TypedDict, total=False):
    """The members of a request that mean something, prefetch one level deeper: one pass instead of two over what is
    nearly the whole body."""

    hook: msgspec.Raw
    hookInstance: msgspec.Raw
    fhirServer: msgspec.Raw
    fhirAuthorization: msgspec.Raw
    context: msgspec.Raw
    prefetch: dict[str, msgspec.Raw]
    extension: msgspec.Raw


_ROOT = msgspec.json.Decoder(_Root)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MEMBER = re.compile(rb'[ \t\r\n]*,?[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_TEXT = msgspec.json.Decoder(str)
_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_END = re.compile(rb"[ \t\r\n]*\}")
_PIECE = 65536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ABSENT = (b"null", b'""')


class ContextShape(msgspec.Struct, frozen=True):
    """What a hook's context must hold besides patientId. `drafts` names the member with the unsigned orders."""

    user: bool = True
    encounter: bool = False
    drafts: str | None = None
    selections: bool = False


CONTEXTS: Mapping[str, ContextShape] = {
    "patient-view": ContextShape(),
    "order-select": ContextShape(drafts="draftOrders", selections=True),
    "order-sign": ContextShape(drafts="draftOrders"),
    "encounter-start": ContextShape(encounter=True),
    "encounter-discharge": ContextShape(encounter=True),
    "medication-refill": ContextShape(user=False, drafts="medications"),
}


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Envelope(msgspec.Struct, frozen=True):
    """A request whose envelope and context have the right shape; ids are bare, `user_id` is `Type/id`.

    authorization: the members of fhirAuthorization, whose token is good for this call only; never log or keep it.
    """

    hook: str
    hook_instance: str
    patient_id: str
    user_id: str | None
    encounter_id: str | None
    drafts: msgspec.Raw | None
    selections: tuple[str, ...] | None
    prefetch: Members
    extension: Members
    fhir_server: str | None = None
    authorization: Members | None = None

    @property
    def correlation(self) -> str:
        """The hookInstance for logs and audit. One that is no UUID is told by its digest: it might say anything."""
        if _UUID.fullmatch(self.hook_instance):
            return self.hook_instance.lower()
        return "sha256:" + hashlib.sha256(self.hook_instance.encode("utf-8", "replace")).hexdigest()[:16]


def decode_envelope(body: bytes, hook: str) -> Envelope:
    """Read a request body that was sent to the service for `hook`. Raises RequestError 400 that names the member."""
    root = _decode_root(body)
    sent = _require(_text(root, "hook"), "hook", "it names the hook that fired")
    if sent != hook:
        raise RequestError(
            400,
            "value",
            f"hook: this service answers {hook} only; call the service whose discovery entry names your hook",
        )
    instance = _require(_text(root, "hookInstance"), "hookInstance", "send a UUID of your own for every call")
    authorization = _object(root, "fhirAuthorization")
    server = _text(root, "fhirServer")
    if server is None and authorization is not None:
        raise RequestError(400, "required", "fhirServer: required when fhirAuthorization is sent")
    context = _require(_object(root, "context"), "context", f"send the fields that {hook} defines")
    shape = CONTEXTS[hook]
    return Envelope(
        hook=hook,
        hook_instance=instance,
        patient_id=_bare_id(
            _require(_text(context, "patientId", "context."), "context.patientId", "send the bare id"), "patientId"
        ),
        user_id=_user(context, required=shape.user),
        encounter_id=_encounter(context, required=shape.encounter),
        drafts=_drafts(context, shape.drafts),
        selections=_selections(context) if shape.selections else None,
        prefetch=_object(root, "prefetch") or {},
        extension=_object(root, "extension") or {},
        fhir_server=server,
        authorization=authorization,
    )


def decode_members(raw: bytes, where: str) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, values undecoded. Raises RequestError 400 for anything else and for duplicates."""
    try:
        members = _MEMBERS.decode(raw)
    except msgspec.ValidationError as error:
        raise RequestError(400, "structure", f"{where}: must be a JSON object") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(400, "structure", f"{where}: is not valid JSON, or is nested too deeply") from error
    if _compact_length(members) != len(raw):
        _refuse_duplicates(raw, members, where)
    return members


def _decode_root(body: bytes) -> Nested:
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as error:
            raise RequestError(400, "structure", "the request body is not UTF-8; send JSON encoded as UTF-8") from error
    where = "the request body"
    try:
        root: Nested = _ROOT.decode(body)  # type: ignore[assignment]  # a TypedDict is no Mapping of its members' types
    except (msgspec.DecodeError, RecursionError):
        return decode_members(body, where)  # says what is wrong, or takes a prefetch that is null
    if _compact_length(root) == len(body):
        return root
    return root if _refuse_duplicates(body, root, where) is not None else decode_members(body, where)


def _compact_length(members: Nested) -> int:
    """How many bytes these members take when nothing stands between them: `{"name":value,"name":value}`.

    An object that is exactly that long holds no other members, so none of them twice: there is nothing to walk.
    """
    length = 1 + 4 * len(members) if members else 2
    for name, value in members.items():
        length += len(name) + (_compact_length(value) if isinstance(value, dict) else len(memoryview(value)))
    return length


def _refuse_duplicates(raw: bytes, members: Nested, where: str, start: int = 0) -> int | None:
    """Walk the members as written: each value must be the one that the decoder kept, and each name new.

    Returns where the object ends, or None on meeting a member that was not kept.
    """
    seen: set[str] = set()
    at = raw.index(b"{", start) + 1
    while match := _MEMBER.match(raw, at):
        quoted = match[1]
        name = _TEXT.decode(quoted) if b"\\" in quoted else str(quoted[1:-1], "utf-8")
        kept, at = members.get(name), match.end()
        if kept is None:
            return None
        if isinstance(kept, dict):
            after = _refuse_duplicates(raw, kept, name, at)
        else:
            after = _end_of(raw, at, memoryview(kept))
        if name in seen or after is None:
            raise RequestError(400, "structure", f"{where}: holds the same member twice; send every member once")
        seen.add(name)
        at = after
    end = _END.match(raw, at)
    return at if end is None else end.end()


def _end_of(raw: bytes, at: int, value: memoryview) -> int | None:
    """Where a value that is written at `at` ends; None when something else is written there.

    Compared in pieces: copies of whole pages of results would make the allocator give memory back after every call.
    """
    for start in range(0, len(value), _PIECE):
        if not raw.startswith(bytes(value[start : start + _PIECE]), at + start):
            return None
    return at + len(value)


def _text(members: Nested, name: str, path: str = "") -> str | None:
    value = _value(members, name, _TEXT, path, "a string")
    return value or None


def _object(members: Nested, name: str) -> dict[str, msgspec.Raw] | None:
    raw = members.get(name)
    if raw is None or isinstance(raw, dict):
        return raw
    return None if bytes(raw) in _ABSENT else decode_members(bytes(raw), name)


def _value(members: Nested, name: str, decoder: msgspec.json.Decoder[Shape], path: str, wanted: str) -> Shape | None:
    raw = members.get(name)
    if raw is None or isinstance(raw, dict) or bytes(raw) in _ABSENT:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(400, "structure", f"{path}{name}: must be {wanted}") from error


def _require(value: Shape | None, name: str, remedy: str) -> Shape:
    if value is None:
        raise RequestError(400, "required", f"{name}: missing; {remedy}")
    return value


def _bare_id(value: str, name: str) -> str:
    if "/" in value:
        raise RequestError(400, "value", f"context.{name}: must be a bare id without resource type or slash")
    return value


def _user(context: Members, *, required: bool) -> str | None:
    user = _text(context, "userId", "context.")
    if required:
        _require(user, "context.userId", "send it as Type/id")
    if user is not None and not re.fullmatch(r"[A-Za-z]+/[^/]+", user):
        raise RequestError(400, "value", "context.userId: must be Type/id, for example Practitioner/<id>")
    return user


def _encounter(context: Members, *, required: bool) -> str | None:
    encounter = _text(context, "encounterId", "context.")
    if required:
        _require(encounter, "context.encounterId", "this hook is about an encounter; send its bare id")
    return None if encounter is None else _bare_id(encounter, "encounterId")


def _drafts(context: Members, name: str | None) -> msgspec.Raw | None:
    if name is None:
        return None
    raw = context.get(name)
    present = None if raw is None or bytes(raw) in _ABSENT else raw
    return _require(present, f"context.{name}", "send the unsigned orders as a Bundle")


def _selections(context: Members) -> tuple[str, ...]:
    chosen = _value(context, "selections", _TEXTS, "context.", "an array of Type/id strings")
    return _require(chosen, "context.selections", "send the Type/id of the orders that were just selected")
