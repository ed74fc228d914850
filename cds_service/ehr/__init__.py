"""The other side of the conversation: a client that plays the EHR against any CDS service and any FHIR server."""
