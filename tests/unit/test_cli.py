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


@pytest.mark.parametrize("arguments", [["serve", "--sandbox"], ["check"], ["stats"]])
def test_a_wrong_setting_is_named_by_every_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_TIME_ZONE", "Europe/Atlantis")
    result = RUNNER.invoke(commands, arguments)
    assert result.exit_code == 2
    assert "IONWISE_TIME_ZONE" in result.output


def test_a_rule_that_does_not_exist_has_no_golden_cards() -> None:
    result = RUNNER.invoke(commands, ["golden", "mg-hypomagnesemia"])
    assert result.exit_code == 2
    assert "'mg-hypomagnesemia' is no rule" in result.output


@pytest.mark.parametrize("arguments", [["--profile", "paper"], ["--hook", "none"], ["--language", "tlh"]])
def test_a_choice_that_does_not_exist_is_refused(arguments: list[str]) -> None:
    result = RUNNER.invoke(commands, ["prefetch", *arguments])
    assert result.exit_code == 2
    assert "is not one of" in result.output
