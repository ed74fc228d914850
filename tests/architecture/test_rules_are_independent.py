"""A rule folder stands alone. `ionwise check` looks at purity and size; this looks at who knows whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, imports, name, python_files

ALLOWED = ("cds_service.facts.", "cds_service.knowledge.", "cds_service.errors.", "cards._families.")
CARDS = [path for path in python_files("cards") if path.name != "__init__.py"]


@pytest.mark.parametrize("path", CARDS, ids=name)
def test_it_imports_of_this_project_only_what_the_knowledge_may(path: Path) -> None:
    ours = [module for module in imports(path) if module.split(".")[0] in ("cds_service", "cards", "tests")]
    assert [module for module in ours if not module.startswith(ALLOWED)] == []


@pytest.mark.parametrize("folder", sorted(path.parent for path in (ROOT / "cards").glob("*/rule.yaml")), ids=name)
def test_a_rule_folder_holds_its_cases_and_its_expected_cards(folder: Path) -> None:
    missing = [file for file in ("cases.yaml", "expected.json") if not (folder / file).exists()]
    assert missing == [], f"{name(folder)}: write cases.yaml, then run `ionwise golden`"
