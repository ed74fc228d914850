"""The guides mention everything an outsider can touch: commands, settings, make targets; every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from cds_service import cli
from cds_service.settings import describe_settings
from tests.architecture.tree import ROOT, files, name

GUIDE = (ROOT / "docs" / "integrator.md").read_text("utf-8")
PAGES = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")


def commands() -> set[str]:
    """The names of all commands of the `ionwise` command line."""
    apps = [value for value in vars(cli).values() if isinstance(value, typer.Typer)]
    return {command for app in apps for command in getattr(get_command(app), "commands", {})}


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as repository viewers make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_guide_lists_exactly_the_commands_there_are() -> None:
    assert set(re.findall(r"^\| `ionwise ([a-z-]+)` \|", GUIDE, re.MULTILINE)) == commands()


def test_no_page_names_a_setting_that_is_gone() -> None:
    known = {variable for variable, _, _ in describe_settings()} | {
        "IONWISE_TEST_POSTGRES_URL",
        "IONWISE_TEST_FHIR_URL",
    }
    named = {(name(page), found) for page in PAGES for found in re.findall(r"IONWISE_[A-Z_]+", page.read_text("utf-8"))}
    assert {(page, found) for page, found in named if found.rstrip("_") not in known} == set()


def test_every_command_that_a_page_shows_exists() -> None:
    shown = {
        (name(page), word) for page in PAGES for word in re.findall(r"`ionwise ([a-z][a-z-]*)", page.read_text("utf-8"))
    }
    known = commands()
    assert {(page, word) for page, word in shown if word not in known} == set()


def test_every_make_target_that_a_page_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = {
        word for page in PAGES for word in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert shown - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), link
        if anchor and place.suffix == ".md":
            assert anchor in headings(place), link
