"""Where the EHR's side takes a patient's data from: one question, a relative FHIR query, and what an answer can be."""

from __future__ import annotations

from typing import Any, Protocol

PRODUCTS = ("Medication", "Substance")


class Records(Protocol):
    """A FHIR server, or files that stand in for one."""

    def ask(self, query: str, step: str) -> dict[str, Any] | None:
        """The resource or searchset of a relative query (`Patient/1`, `Observation?patient=1`).

        None: a read of what is not there. An OperationOutcome: refused, or failed. Raises UnreachableError when nobody
        answers. step: what the question is for, in messages.
        """


def refusal(code: str, diagnostics: str) -> dict[str, Any]:
    """An OperationOutcome of our own: `code` is one of FHIR's issue types."""
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def is_refusal(answer: dict[str, Any] | None) -> bool:
    """Whether an answer is an OperationOutcome."""
    return answer is not None and answer.get("resourceType") == "OperationOutcome"


def matches(answer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The resources that a searchset found, without included ones and outcomes."""
    found = []
    for entry in objects(answer.get("entry") if answer is not None else None):
        modes = {search.get("mode") for search in objects(entry.get("search"))}
        if not modes & {"include", "outcome"}:
            found += objects(entry.get("resource"))
    return [resource for resource in found if resource.get("resourceType") != "OperationOutcome"]


def next_page(answer: dict[str, Any] | None) -> str | None:
    """The address of the next page, when there is one."""
    for link in objects(answer.get("link") if answer is not None else None):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def objects(value: Any) -> list[dict[str, Any]]:
    """The JSON objects in a list, or the one that stands in its place; what is none is left out."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def as_list(value: Any) -> list[Any]:
    """A list as it is, nothing as none, anything else as a list of one: older versions of FHIR differ."""
    return value if isinstance(value, list) else [] if value is None else [value]
