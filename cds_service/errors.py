"""Everything Ionwise raises on purpose.

    IonwiseError
    ├── SettingsError          a setting is missing or wrong
    ├── KnowledgeError         cards/ is refused; carries every finding with file and line
    ├── RequestError           the caller's request cannot be answered; carries the HTTP status and a FHIR issue code
    ├── StorageError           the database cannot be reached or does not work; says after how long to try again
    ├── EhrError               playing the EHR failed: a service, a FHIR server or a file did not do what was asked
    │   └── UnreachableError   nobody answered there at all
    ├── CannotTellError        raised inside a rule: something needed is not known (becomes the outcome CannotTell)
    └── UndeclaredReadError    a rule read something that its rule.yaml does not declare

Messages say what is wrong, where, and what to do next. They never hold patient data.
"""

from __future__ import annotations

from dataclasses import dataclass


class IonwiseError(Exception):
    """Base of all errors that Ionwise raises on purpose."""


class SettingsError(IonwiseError):
    """A setting is missing or wrong; the message names it and says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong with the knowledge: where (file, line from 1), which check says so, what is wrong, what to do."""

    file: str
    line: int
    check: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.check}] {self.problem} -> {self.remedy}"


class KnowledgeError(IonwiseError):
    """The knowledge in cards/ is refused. `findings` lists everything that is wrong, not only the first."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class RequestError(IonwiseError):
    """The caller's request cannot be answered.

    `status` is the HTTP status, `code` a code of the FHIR issue-type value set, the message safe to send back;
    `retry_after` the seconds after which the same request may succeed, None when it will not.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        self.status = status
        self.code = code
        self.retry_after = retry_after
        super().__init__(message)


class StorageError(IonwiseError):
    """The database cannot be reached or does not work. `retry_after`: seconds after which trying again makes sense."""

    retry_after = 5


class EhrError(IonwiseError):
    """Playing the EHR failed: a service, a FHIR server or a file did not do what was asked."""


class UnreachableError(EhrError):
    """Nobody answered at that address, or not in time."""


class CannotTellError(IonwiseError):
    """Raised by a question whose answer is not known; `missing` names what would be needed."""

    def __init__(self, *missing: str) -> None:
        self.missing = missing
        super().__init__("; ".join(missing))


class UndeclaredReadError(IonwiseError):
    """A rule asked for something that its rule.yaml does not declare under `needs`."""
