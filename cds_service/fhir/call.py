"""A hook call as the readers receive it: prefetch answers, decoded only where they are plain, and the call's own
resources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from cds_service.facts.records import CoverageState
from cds_service.fhir.structs import Observation, Resource


class KeyAnswer(msgspec.Struct, frozen=True):
    """One prefetch key: how it was answered and its match resources, undecoded unless they are plain.

    state "truncated": the Bundle announced a next page. The reader may find it to be "unordered". State "unordered":
    whole, but for what was lost.
    lost: whether an entry held no resource, or one that may not be read: then not even a cut page proves an absence.
    included: resources that only help to resolve references (search mode `include`).
    observations, records: the match resources in place of `resources` when all of a page are plain R4 of one type.
    reason: the failure that kept us from fetching it, or the rest of it. fetched: we asked for it, nobody sent it.
    """

    state: CoverageState
    resources: tuple[msgspec.Raw, ...] = ()
    included: tuple[msgspec.Raw, ...] = ()
    observations: tuple[Observation, ...] = ()
    records: tuple[Resource, ...] = ()
    reason: str = ""
    fetched: bool = False
    lost: bool = False


class Call(msgspec.Struct, frozen=True):
    """One hook call after the envelope was checked.

    drafts: resources of draftOrders / medications; judged: their `Type/id` references that the call is about
    (None = all of them).
    """

    hook: str
    patient_id: str
    as_of: datetime
    answers: Mapping[str, KeyAnswer]
    encounter_id: str | None = None
    user_id: str | None = None
    drafts: tuple[msgspec.Raw, ...] = ()
    judged: frozenset[str] | None = None
