"""The worked example of CONTRIBUTING.md is a rule that the knowledge accepts, word for word."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cds_service.knowledge.load import load_knowledge
from tests.architecture.tree import ROOT

BLOCK = re.compile(r"^```(yaml|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = ("cases.yaml", "rule.yaml", "rule.py")


def test_the_worked_example_is_a_rule(tmp_path: Path) -> None:
    blocks = [text for _, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))]
    cards = tmp_path / "cards_with_example"
    shutil.copytree(ROOT / "cards", cards, ignore=shutil.ignore_patterns("__pycache__"))
    folder = cards / "k_example"
    folder.mkdir()
    for file, text in zip(FILES, blocks, strict=True):
        (folder / file).write_text(text, "utf-8")
    rule = load_knowledge(cards, drafts=True).rule("k-example")
    assert rule.status == "draft"
    assert set(rule.cards) == {"severe"}
