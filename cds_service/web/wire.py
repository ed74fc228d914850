"""The CDS Hooks wire as pydantic models: for OpenAPI and for checking answers in tests. The hot path does not use them.

Spec: CDS Hooks 2.0.1, with the members of 3.0 that a 2.0 client ignores. Names are those of the wire.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Extension = dict[str, Any]


class Sent(BaseModel):
    """Something a client sends: unknown members are ignored."""

    model_config = ConfigDict(extra="ignore")


class Answered(BaseModel):
    """Something we answer: no unknown members, and no null."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _no_empty_members(cls, data: Any) -> Any:
        empty = [
            name
            for name, value in data.items()
            if value in (None, "", {}) or (value == [] and name not in ("cards", "services"))
        ]
        if empty:
            raise ValueError(f"empty members are forbidden by the standard: {', '.join(empty)}")
        return data


# ---- discovery


class Service(Answered):
    """One entry of the discovery response."""

    hook: Text
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]+$")]
    title: Text
    description: Text
    usageRequirements: Text | None = None
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] | None = None
    prefetch: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")], Text] | None = None
    extension: Extension | None = None


class Discovery(Answered):
    """GET /cds-services."""

    services: list[Service]


# ---- request


class Authorization(Sent):
    """Access to the client's FHIR server, for this call only."""

    access_token: str
    token_type: str | None = None
    expires_in: int | None = None
    scope: str | None = None
    subject: str | None = None
    patient: str | None = None


class PatientViewContext(Sent):
    """The chart was opened."""

    userId: Text
    patientId: Text
    encounterId: str | None = None


class OrderSignContext(PatientViewContext):
    """Orders are about to be signed."""

    draftOrders: dict[str, Any] = Field(description="Bundle of all unsigned orders of the session")


class OrderSelectContext(OrderSignContext):
    """Orders were selected; advice is about `selections` only."""

    selections: list[str] = Field(description="Type/id of entries of draftOrders")


class EncounterContext(Sent):
    """An encounter starts, or the patient is discharged."""

    userId: Text
    patientId: Text
    encounterId: Text


class MedicationRefillContext(Sent):
    """A medicine is renewed, often without a user."""

    userId: str | None = None
    patientId: Text
    encounterId: str | None = None
    medications: dict[str, Any] = Field(description="Bundle of draft MedicationRequests")


class HookRequest(Sent):
    """The members that the requests of all hooks share."""

    hook: Text
    hookInstance: Text = Field(description="A UUID of the client's own for every call")
    fhirServer: str | None = None
    fhirAuthorization: Authorization | None = None
    prefetch: dict[str, dict[str, Any] | None] | None = None
    extension: Extension | None = None


class PatientViewRequest(HookRequest):
    """POST /cds-services/ionwise-patient-view."""

    context: PatientViewContext


class OrderSelectRequest(HookRequest):
    """POST /cds-services/ionwise-order-select."""

    context: OrderSelectContext


class OrderSignRequest(HookRequest):
    """POST /cds-services/ionwise-order-sign."""

    context: OrderSignContext


class EncounterRequest(HookRequest):
    """POST /cds-services/ionwise-encounter-start and -discharge."""

    context: EncounterContext


class MedicationRefillRequest(HookRequest):
    """POST /cds-services/ionwise-medication-refill."""

    context: MedicationRefillContext


REQUESTS: dict[str, type[HookRequest]] = {
    "patient-view": PatientViewRequest,
    "order-select": OrderSelectRequest,
    "order-sign": OrderSignRequest,
    "encounter-start": EncounterRequest,
    "encounter-discharge": EncounterRequest,
    "medication-refill": MedicationRefillRequest,
}


# ---- response


class Coding(Answered):
    """A code; `display` is required for override reasons only."""

    system: Text
    code: Text
    display: Text | None = None


class OverrideReason(Coding):
    """A reason that a clinician may choose."""

    display: Text


class Source(Answered):
    """Where the advice comes from."""

    label: Text
    url: Url | None = None
    icon: Url | None = None
    topic: Coding | None = None


class Action(Answered):
    """What the EHR does when the suggestion is taken. A deletion names `resourceId`, the others carry `resource`."""

    type: Literal["create", "update", "delete"]
    description: Text
    resource: dict[str, Any] | None = None
    resourceId: Text | None = None
    extension: Extension | None = None

    @model_validator(mode="after")
    def _names_its_object(self) -> Action:
        if (self.resourceId if self.type == "delete" else self.resource) is None:
            raise ValueError(f"an action of type {self.type} does not say what it is about")
        return self


class Suggestion(Answered):
    """A set of actions taken together."""

    label: Text
    uuid: Uuid | None = None
    isRecommended: bool | None = None
    actions: Annotated[list[Action], Field(min_length=1)] | None = None
    extension: Extension | None = None


class Link(Answered):
    """A link to a page or a SMART app."""

    label: Text
    url: Url
    type: Literal["absolute", "smart"]
    appContext: Text | None = None
    autolaunchable: bool | None = None
    extension: Extension | None = None

    @model_validator(mode="after")
    def _context_only_for_apps(self) -> Link:
        if self.appContext is not None and self.type != "smart":
            raise ValueError("appContext goes with links of type smart only")
        return self


class Card(Answered):
    """One piece of advice. Clients refuse a summary of 140 characters or more. Only CDS Hooks 1.0 has no `uuid`."""

    uuid: Uuid | None = None
    summary: Annotated[str, Field(min_length=1, max_length=139)]
    detail: Text | None = None
    indicator: Literal["info", "warning", "critical"]
    source: Source
    suggestions: Annotated[list[Suggestion], Field(min_length=1)] | None = None
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: Annotated[list[OverrideReason], Field(min_length=1)] | None = None
    links: Annotated[list[Link], Field(min_length=1)] | None = None
    extension: Extension | None = None

    @model_validator(mode="after")
    def _selection_goes_with_suggestions(self) -> Card:
        if (self.suggestions is None) != (self.selectionBehavior is None):
            raise ValueError("selectionBehavior is present exactly when there are suggestions")
        return self


class HookResponse(Answered):
    """The answer to a hook; `cards` is always there. We never send systemActions."""

    cards: list[Card]
    extension: Extension | None = None


class Issue(Answered):
    """What went wrong, without patient data."""

    severity: Literal["fatal", "error", "warning", "information"]
    code: Text
    diagnostics: Text


class OperationOutcome(Answered):
    """The body of every answer that is not 2xx."""

    resourceType: Literal["OperationOutcome"]
    issue: Annotated[list[Issue], Field(min_length=1)]
