"""The command line's own behaviour: exit codes and refusals."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cds_service.cli import commands

RUNNER = CliRunner()


def test_without_a_sandbox_the_service_refuses_to_start() -> None:
    result = RUNNER.invoke(commands, ["serve"])
    assert result.exit_code == 2
    assert "trusted client" in result.output


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_TIME_ZONE", "Europe/Atlantis")
    result = RUNNER.invoke(commands, ["serve", "--sandbox"])
    assert result.exit_code == 2
    assert "IONWISE_TIME_ZONE" in result.output


@pytest.mark.parametrize("arguments", [["--profile", "paper"], ["--hook", "none"], ["--language", "tlh"]])
def test_a_choice_that_does_not_exist_is_refused(arguments: list[str]) -> None:
    result = RUNNER.invoke(commands, ["prefetch", *arguments])
    assert result.exit_code == 2
    assert "is not one of" in result.output
