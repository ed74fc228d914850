"""What deploy/ starts and sets exists, and its files are what their tools expect."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from cds_service import cli
from cds_service.settings import describe_settings
from tests.architecture.tree import ROOT, files, name

SETTINGS = {variable: default for variable, default, _ in describe_settings()}
DEPLOYED = [path for path in files("deploy") if path.suffix != ".md" and "overlays" not in path.parts]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("path", DEPLOYED, ids=name)
def test_every_setting_that_is_set_exists(path: object) -> None:
    assert set(re.findall(r"IONWISE_[A-Z_]+", (ROOT / str(path)).read_text("utf-8"))) <= SETTINGS.keys()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_starts_a_command_that_exists(unit: object) -> None:
    (started,) = re.findall(r"^ExecStart=\S+/ionwise (.*)$", (ROOT / str(unit)).read_text("utf-8"), re.MULTILINE)
    command: Any = get_command(cli.commands)
    for word in shlex.split(started):
        command = getattr(command, "commands", {}).get(word)
        assert command is not None, f"ionwise {started}"


def test_the_compose_file_is_one() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(ROOT / "deploy" / "compose.yaml")],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()


def test_the_privacy_page_tells_the_times_that_are_set() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    told = {"LEDGER": ("400", "400 days"), "COMMENT": ("90", "90 days"), "AUDIT": ("1827", "five years")}
    for kind, (days, words) in (told | {"COUNTER": ("1096", "three years")}).items():
        variable = f"IONWISE_KEEP_{kind}_DAYS"
        assert SETTINGS[variable] == days
        assert f"`{variable}`, {words} |" in page
