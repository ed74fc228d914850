"""Settings from the environment, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cds_service.errors import SettingsError
from cds_service.settings import Settings, describe_settings, read_settings


def test_everything_has_a_default() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.sandbox) == ("127.0.0.1", 8000, False)
    assert settings.languages == ("nl", "en")
    assert settings.allowed_origins == ()


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_LANGUAGES", "en, nl")
    monkeypatch.setenv("IONWISE_ABSENT_SOURCES", "procedures")
    settings = read_settings()
    assert settings.languages == ("en", "nl")
    assert settings.absent_sources == ("procedures",)


def test_fetching_leaves_time_for_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_FETCH_BUDGET_MS", "6000")
    with pytest.raises(SettingsError, match=r"IONWISE_RESPONSE_BUDGET_MS: .*above IONWISE_FETCH_BUDGET_MS"):
        read_settings()
    monkeypatch.setenv("IONWISE_RESPONSE_BUDGET_MS", "8000")
    assert read_settings().response_budget_ms == 8000


def test_the_log_level_is_written_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_LOG_LEVEL", "debug")
    assert read_settings().log_level == "DEBUG"


def test_networks_are_written_as_cidr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_SANDBOX_NETWORKS", "10.20.0.0/16, fd12::/64")
    assert [str(network) for network in read_settings().sandbox_networks] == ["10.20.0.0/16", "fd12::/64"]
    monkeypatch.setenv("IONWISE_SANDBOX_NETWORKS", "hospital")
    with pytest.raises(SettingsError, match="IONWISE_SANDBOX_NETWORKS"):
        read_settings()


def test_an_argument_precedes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_PORT", "9000")
    assert read_settings(port=None).port == 9000
    assert read_settings(port=9001).port == 9001


@pytest.mark.parametrize("name", ["cards_dir", "clients_file", "data_dir", "pseudonym_key_file", "tenants_dir"])
def test_every_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"IONWISE_{name.upper()}", "~/ionwise")
    assert getattr(read_settings(), name) == Path.home() / "ionwise"


def test_the_sandbox_admits_any_origin_unless_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(sandbox=True).allowed_origins == ("*",)
    monkeypatch.setenv("IONWISE_CORS_ORIGINS", "https://a.example,https://b.example")
    assert read_settings(sandbox=True).allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("IONWISE_PORT", "many"),
        ("IONWISE_PORT", "70000"),
        ("IONWISE_TIME_ZONE", "Europe/Atlantis"),
        ("IONWISE_LANGUAGES", "nl,tlh"),
        ("IONWISE_LANGUAGES", ","),
        ("IONWISE_PUBLIC_URL", "cds.example"),
        ("IONWISE_PROFILE", "paper"),
        ("IONWISE_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: .* -> "):
        read_settings()


def test_a_variable_that_is_no_setting_is_an_error_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_PUBLICURL", "https://cds.example")
    with pytest.raises(SettingsError, match="did you mean IONWISE_PUBLIC_URL"):
        read_settings()


def test_what_the_test_suite_is_told_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_TEST_FHIR_URL", "http://127.0.0.1:8080/fhir")
    read_settings()


def test_addresses_lose_their_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_PUBLIC_URL", "https://cds.example/base/")
    assert read_settings().public_url == "https://cds.example/base"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_is_described() -> None:
    rows = describe_settings()
    assert ("IONWISE_LANGUAGES", "nl,en") in [row[:2] for row in rows]
    assert all(text for _, _, text in rows)
