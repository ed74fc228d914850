"""What a reader of the tree may rely on: short files, nothing unfinished, no trace of one machine or registry."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.tree import ROOT, files, imports, name, python_files

LONGEST = 300
# Put together from pieces, so that this file does not find itself.
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error", r"pytest\.sk" + r"ip\("])
)
REGISTRIES = re.compile(
    "|".join(["files.python" + "hosted", "pypi" + r"\.org", "registry." + "npmjs", "deb." + "debian"])
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.~}>)-])/(?:" + "|".join(["work", "root", "home", "Users", "tmp", "opt"]) + r")/[\w.]"
)
READ_AS_LATIN = re.compile(r"[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac")  # what UTF-8 looks like then
CODE = ("cds_service", "cards", "tests", "Makefile", ".ci", "deploy")
WORDS_ONLY = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".json", ".html", ".css", ".js", "", ".ini"}


def lines_that_match(pattern: re.Pattern[str], *tops: str) -> list[str]:
    """`file:line` of every match in the text files below the tops."""
    return [
        f"{name(path)}:{number}"
        for path in files(*tops)
        if path.suffix in WORDS_ONLY
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("top", ["cds_service", "cards"])
def test_every_python_file_can_be_read_in_one_sitting(top: str) -> None:
    long = {name(path): n for path in python_files(top) if (n := len(path.read_text("utf-8").splitlines())) >= LONGEST}
    assert not long, f"split these along what they are about (under {LONGEST} lines): {long}"


def test_nothing_is_marked_as_unfinished() -> None:
    assert lines_that_match(UNFINISHED, *CODE, "docs") == []


def test_no_path_of_a_machine_is_in_the_tree() -> None:
    assert lines_that_match(MACHINE_PATHS) == []


def test_no_address_of_a_package_registry_is_in_the_tree() -> None:
    assert lines_that_match(REGISTRIES) == []


def test_no_letter_was_read_in_another_encoding_than_it_was_written_in() -> None:
    assert lines_that_match(READ_AS_LATIN) == []


def third_party(*tops: str) -> set[str]:
    """Top-level modules that our code imports and neither we nor Python's own library provide."""
    found = {module.split(".")[0] for path in python_files(*tops) for module in imports(path)}
    return found - set(sys.stdlib_module_names) - {"cds_service", "cards", "tests"}


def test_every_runtime_dependency_is_used_and_every_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[\[<>=]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    providers = packages_distributions()
    used = {d.lower().replace("_", "-") for module in third_party("cds_service", "cards") for d in providers[module]}
    # a database's driver is named in the address of the database, not imported
    sources = "".join(path.read_text("utf-8") for path in python_files("cds_service"))
    used |= {driver for driver in declared if f"+{driver}" in sources}
    used.add("sniffio")  # optional to httpcore, which is slow without
    assert declared - used == set(), "declared in pyproject.toml but imported nowhere: remove"
    # starlette and pydantic-core come with fastapi and pydantic, whose documented API they are
    assert used - declared - {"starlette", "pydantic-core", "click"} == set(), "imported but not declared"


def test_every_pinned_requirement_has_a_hash() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        entries = re.split(r"\n(?=[a-z])", (ROOT / file).read_text("utf-8"))
        bare = [entry.split("==")[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert bare == [], file
