"""Code systems by their canonical URI and the other URIs they travel under."""

from __future__ import annotations

from collections.abc import Mapping

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
UNII = "http://fdasis.nlm.nih.gov"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICPC = "http://hl7.org/fhir/sid/icpc-1-nl"
EDQM = "http://standardterms.edqm.eu"
NDC = "http://hl7.org/fhir/sid/ndc"
UCUM = "http://unitsofmeasure.org"
UCUM_NAMES = frozenset({UCUM, f"{UCUM}/", "https://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8"})

_OIDS = {
    LOINC: "2.16.840.1.113883.6.1",
    SNOMED: "2.16.840.1.113883.6.96",
    RXNORM: "2.16.840.1.113883.6.88",
    ATC: "2.16.840.1.113883.6.73",
    UNII: "2.16.840.1.113883.4.9",
    ICD10: "2.16.840.1.113883.6.3",
    ICD10CM: "2.16.840.1.113883.6.90",
    ICPC: "2.16.840.1.113883.2.4.4.31.1",
    EDQM: "0.4.0.127.0.16.1.1.2.1",
    NDC: "2.16.840.1.113883.6.69",
}
# The Dutch edition of ICD-10 keeps the WHO codes; the German ATC sites use the WHO codes too.
_OTHER_NAMES = {
    "http://hl7.org/fhir/sid/icd-10-nl": ICD10,
    "urn:oid:2.16.840.1.113883.6.3.2": ICD10,
    "urn:oid:1.2.276.0.76.5.409": ICD10,
    "http://fhir.de/CodeSystem/bfarm/atc": ATC,
    "http://fhir.de/CodeSystem/dimdi/atc": ATC,
}

# Alias -> canonical: urn:oid forms, trailing slashes, https.
SYSTEMS: Mapping[str, str] = {
    **{f"urn:oid:{oid}": system for system, oid in _OIDS.items()},
    **{f"{system}/": system for system in _OIDS},
    **{system.replace("http://", "https://"): system for system in _OIDS},
    **_OTHER_NAMES,
}
