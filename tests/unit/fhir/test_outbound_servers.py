"""Which server a request means, and which addresses are still that server."""

from __future__ import annotations

import httpx
import pytest

from cds_service.fhir.failures import Failure, OutboundError, failure_of
from cds_service.fhir.queries import Query, fill
from cds_service.fhir.servers import FhirServer, choose_server, next_page, read_base
from cds_service.knowledge.model import KeyPlanEntry

LISTED = (FhirServer("https://ehr.example/fhir/R4"), FhirServer("https://other.example"))
BASE = httpx.URL("https://ehr.example/fhir/R4")
PAGE = "https://ehr.example/fhir/R4/Observation"


def entry(query: str) -> KeyPlanEntry:
    """A key with this query."""
    return KeyPlanEntry("labs", query, {}, {}, "Observation")


@pytest.mark.parametrize(
    "named",
    ["https://ehr.example/fhir/R4", "https://EHR.example:443/fhir/R4/", "HTTPS://ehr.example/fhir/R4"],
)
def test_a_server_is_known_in_every_spelling_of_its_address(named: str) -> None:
    assert choose_server(named, LISTED) is LISTED[0]


@pytest.mark.parametrize(
    "named",
    [
        "https://ehr.example/fhir", "https://ehr.example/fhir/R4/x", "https://ehr.example:8443/fhir/R4",
        "http://ehr.example/fhir/R4", "https://ehr.example.evil.example/fhir/R4", "https://ehr.example/FHIR/R4",
    ],
)  # fmt: skip
def test_another_server_is_not_taken_for_it(named: str) -> None:
    with pytest.raises(OutboundError) as refused:
        choose_server(named, LISTED)
    assert refused.value.failure is Failure.REFUSED_SERVER


@pytest.mark.parametrize(
    "named",
    [
        "", "ehr.example", "https://", "https://me@ehr.example/fhir", "https://me:x@ehr.example", "https://ehr.example?x=1",
        "https://ehr.example/#f", "https://ehr.example/a\\b", "https://ehr.example/a b", "https://ehr.example/%2e%2e/x",
        "https://ehr.example/a/../b", "https://@ehr.example/", "javascript:alert(1)", "https://ehr.example\n.evil/",
        "https://ehr.example:99999/", "https://xn--a/", "https://\uff11\uff12\uff17.0.0.1/", "https://ehr.example\u202e/",
        "https://ehr.example/a/..;/b", "https://ehr.example/%252e%252e/x",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(named: str) -> None:
    with pytest.raises(OutboundError) as refused:
        read_base(named)
    assert refused.value.failure is Failure.REFUSED_URL


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("https://ehr.example/fhir/R4/Observation?page=2", "https://ehr.example/fhir/R4/Observation?page=2"),
        ("https://ehr.example/fhir/R4?_getpages=1&code=http%3A%2F%2Floinc.org", "https://ehr.example/fhir/R4?_getpages=1&code=http%3A%2F%2Floinc.org"),
        ("https://ehr.example:443/fhir/R4/?_getpages=1", "https://ehr.example/fhir/R4/?_getpages=1"),
        ("?page=2", "https://ehr.example/fhir/R4/Observation?page=2"),
        ("Observation?page=2#x", "https://ehr.example/fhir/R4/Observation?page=2"),
        ("/fhir/R4/Observation?page=2", "https://ehr.example/fhir/R4/Observation?page=2"),
    ],
)  # fmt: skip
def test_a_next_page_on_the_same_server_is_followed(link: str, leads_to: str) -> None:
    assert str(next_page(link, PAGE, BASE)) == leads_to


@pytest.mark.parametrize(
    "link",
    [
        "http://ehr.example/fhir/R4/Observation?page=2", "https://ehr.example:8443/fhir/R4?page=2",
        "//evil.example/fhir/R4",
        "https://evil.example/fhir/R4?page=2", "https://ehr.example/fhir/R44?page=2", "https://ehr.example/admin?page=2",
        "../../admin", "https://ehr.example/fhir/R4/../../admin", "https://ehr.example/fhir/R4/%2e%2e/%2e%2e/admin",
        "https://me:x@ehr.example/fhir/R4?page=2", "https://ehr.example@evil.example/fhir/R4", "https://ehr.example\\@evil/",
        "/fhir/R4/..;/admin", "/fhir/R4/..;x=1/admin", "/fhir/R4/..%3b/admin", "/fhir/R4/%252e%252e/admin",
        "https://ehr.example./fhir/R4/x", "/FHIR/R4/x", "/fhir/R4;x/Observation", "https://xn--a/fhir/R4/x",
        "file:///fhir/R4/x", "data:,x", "http://[", "https://ehr.example/fhir",
    ],
)  # fmt: skip
def test_a_next_page_elsewhere_is_not(link: str) -> None:
    """S-33."""
    with pytest.raises(OutboundError) as refused:
        next_page(link, PAGE, BASE)
    assert refused.value.failure is Failure.ELSEWHERE


def test_a_query_is_the_key_plan_s_with_the_call_s_ids() -> None:
    asked = entry("Observation?patient={{context.patientId}}&code=http://loinc.org|2601-3,2823-3&_count=3")
    wanted = (("patient", "p-1"), ("code", "http://loinc.org|2601-3,2823-3"), ("_count", "3"))
    assert fill(asked, {"patientId": "p-1", "encounterId": None}) == Query("Observation", wanted)
    assert fill(entry("Encounter/{{context.encounterId}}"), {"encounterId": "e_1.x"}) == Query("Encounter/e_1.x")


def test_what_the_context_does_not_hold_is_not_asked_for() -> None:
    assert fill(entry("Encounter/{{context.encounterId}}"), {"patientId": "p-1", "encounterId": None}) is None


@pytest.mark.parametrize("name", ["a,b", "a&b=c", "..", ".", "a/b", "a|b", "a$b", "a b", "é", "x" * 257, "a?b", "a%2c"])
def test_an_id_that_is_more_than_an_id_is_refused(name: str) -> None:
    with pytest.raises(OutboundError) as refused:
        fill(entry("Patient/{{context.patientId}}"), {"patientId": name})
    assert refused.value.failure is Failure.UNSAFE_ID


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (301, "redirect"), (404, "status-404"), (418, "status-4xx"), (500, "status-5xx"), (503, "status-503"),
        (429, "status-429"),
    ],
)  # fmt: skip
def test_every_status_has_a_name(status: int, told: str) -> None:
    assert failure_of(status).value == told
