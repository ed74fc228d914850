"""All tenants of a deployment: one overlay file each over one base knowledge, compiled together or refused together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.overlay.apply import apply_overlay
from cds_service.knowledge.sources import Sources
from cds_service.knowledge.tenant import DEFAULT_TENANT
from cds_service.knowledge.yaml_strict import load_yaml

NAME = "tenants"


Verify = Callable[[Path, Knowledge], Iterable[Finding]]


def tenant_names(tenants_dir: Path) -> frozenset[str]:
    """The names of the tenants alone, without judging their overlays. Raises KnowledgeError for what is no YAML."""
    read = {path: load_yaml(path, path.name).data for path in tenants_dir.glob("*.yaml")}
    return frozenset(
        str(data.get("tenant", path.stem)) if isinstance(data, dict) else path.stem for path, data in read.items()
    )


def load_tenants(
    base: Knowledge, sources: Sources, tenants_dir: Path | None = None, verify: Verify | None = None
) -> Mapping[str, Knowledge]:
    """Tenant -> its knowledge. Without a folder of overlays there is one tenant, `default`, on the base knowledge.

    `sources`: what `base` was compiled from. `verify`: a further check of each overlay, by its file and knowledge.
    Rules that no overlay changes are the same objects for all. Raises KnowledgeError with the findings of all files.
    """
    if tenants_dir is None:
        return {DEFAULT_TENANT: base}
    files = sorted(path for path in tenants_dir.glob("*.yaml")) if tenants_dir.is_dir() else []
    if not files:
        problem, remedy = "there are no overlays here", "put one YAML file per tenant here, or unset the setting"
        raise KnowledgeError((Finding(tenants_dir.as_posix(), 1, NAME, problem, remedy),))
    tenants: dict[str, Knowledge] = {}
    findings: list[Finding] = []
    for path in files:
        try:
            knowledge = apply_overlay(path, base, sources)
        except KnowledgeError as refused:
            findings += refused.findings
            continue
        findings += verify(path, knowledge) if verify is not None else ()
        name = knowledge.tenant.name
        if name in tenants:
            findings.append(Finding(path.name, 1, NAME, f"tenant {name} has two files", "give each its own `tenant`"))
        tenants[name] = knowledge
    if findings:
        raise KnowledgeError(tuple(findings))
    return tenants
