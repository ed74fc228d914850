"""Every setting of Ionwise: name, default, what it does. Set them as environment variables with the prefix IONWISE_.

Lists are written with commas: `IONWISE_LANGUAGES=nl,en`. Settings are read once, at start, and passed down as values.
"""

from __future__ import annotations

import difflib
import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_service.errors import SettingsError
from cds_service.facts.moments import read_zone

if TYPE_CHECKING:
    from cds_service.service.decide import DecideOptions

PREFIX = "IONWISE_"
TESTS = "IONWISE_TEST_"  # of the test suite: no setting, and no mistake either
Language = Literal["nl", "en"]
Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """One immutable set of settings. Build it with `read_settings`, which turns mistakes into SettingsError."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    sandbox: bool = Field(
        False,
        description="Try-out mode: no authentication, and a request may set the evaluation time. Never for patients.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="What is logged: INFO has failed calls and crashes, DEBUG a line for every call."
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Shape of the log lines: json for machines, one object per line, text for people."
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="Where clients reach this service. Default in the sandbox: as called.",
    )
    pages_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="Where clinicians' browsers reach the rule pages: base of source.url. Default: IONWISE_PUBLIC_URL.",
    )
    canonical_base: str = Field(
        "https://ionwise.example",
        pattern=r"^https?://[^\s?#]+$",
        description="Base of the canonical URLs of our code systems.",
    )
    clients_file: Path | None = Field(
        None, description="YAML file of the trusted clients; needed outside the sandbox. SIGHUP rereads it."
    )
    protect_discovery: bool = Field(False, description="Whether discovery asks for a token too, as all calls do.")
    trusted_proxies: Words = Field(
        (),
        description="Addresses of the TLS proxy. X-Forwarded-Proto of these counts, and calls without https get 403.",
    )
    languages: Annotated[tuple[Language, ...], NoDecode] = Field(
        ("nl", "en"),
        min_length=1,
        description="Languages of the cards; the first is the default, Accept-Language may choose another.",
    )
    time_zone: str = Field("Europe/Amsterdam", description="IANA time zone in which the chart's dates are meant.")
    max_body_bytes: int = Field(
        16 * 1024 * 1024,
        ge=1024,
        description="Largest request body, as sent and after inflating; above it 413. As much may be fetched.",
    )
    fetch_budget_ms: int = Field(
        2500, ge=1, description="How long a call may spend on the EHR's FHIR server for what it did not bring."
    )
    response_budget_ms: int = Field(
        5000,
        validate_default=True,
        description="How long a whole call may take, more than for fetching: a call that arrives slowly fetches less.",
    )
    sandbox_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="Private networks (CIDR) whose FHIR servers the sandbox may read. Default: only this machine."
    )
    cors_origins: Words = Field((), description="Origins of browser clients. Default: none; in the sandbox any.")
    decision_extension: bool = Field(
        True, description="Whether answers say what could not be judged (org.ionwise.decision)."
    )
    cards_dir: Path | None = Field(
        None, description="Folder with the knowledge. Default: the one that comes with this version."
    )
    tenants_dir: Path | None = Field(
        None, description="Folder with one overlay per tenant. Default: one tenant without overlay. SIGHUP rereads it."
    )
    silent: bool = Field(
        False, description="Evaluate every rule and show no card; the sandbox shows them, marked as silent."
    )
    profile: Literal["generic", "epic", "oracle", "nl", "cds-hooks-1.0"] = Field(
        "generic", description="Which kind of EHR calls: varies the prefetch queries and the members of cards."
    )
    absent_sources: Words = Field(
        (),
        description="Prefetch keys this EHR is known not to have: not asked for, read as answered and empty.",
    )
    admit_unknown_status: bool = Field(
        False,
        description="Whether status `unknown` means final (results), in use (drugs): some systems write nothing else.",
    )
    icu_locations: Words = Field((), description="Names or ids of the locations that are intensive care.")
    data_dir: Path = Field(
        Path("~/.local/share/ionwise"),
        description="Folder of the SQLite database and of the sandbox's pseudonym key; made when missing.",
    )
    storage: bool = Field(
        True, description="Whether anything is kept. Without it: no memory of overrides, no feedback, no rule switches."
    )
    memory_budget_ms: int = Field(
        150, ge=1, le=5000, description="How long a call waits for its memory; then it is answered without."
    )
    database_url: str | None = Field(
        None, description="PostgreSQL: postgresql://user:password@host/database. Default: SQLite in the data folder."
    )
    pseudonym_key_file: Path | None = Field(
        None,
        description="File with the pseudonym key, two during a rotation. Default: in the sandbox a key of its own.",
    )
    keep_ledger_days: int = Field(
        400, ge=1, description="How long `ionwise db prune` keeps issued cards and feedback. Memory needs 365 days."
    )
    audit: bool | None = Field(
        None, description="Whether every answered call goes into the audit trail. Default: outside the sandbox."
    )
    keep_audit_days: int = Field(
        1827, ge=1, description="How long `ionwise db prune` keeps the audit trail; Dutch law asks for five years."
    )
    keep_comment_days: int = Field(90, ge=1, description="How long it keeps the free text of feedback.")
    keep_counter_days: int = Field(1096, ge=1, description="How long it keeps counts per day, which name nobody.")

    @field_validator(
        "languages",
        "cors_origins",
        "absent_sources",
        "icu_locations",
        "trusted_proxies",
        "sandbox_networks",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("data_dir", "pseudonym_key_file", "clients_file", "cards_dir", "tenants_dir")
    @classmethod
    def _of_user(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value else value

    @field_validator("public_url", "pages_url", "canonical_base")
    @classmethod
    def _without_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return read_zone(value).key

    @field_validator("response_budget_ms")
    @classmethod
    def _leaves_time_for_the_rules(cls, value: int, others: ValidationInfo) -> int:
        if value <= others.data.get("fetch_budget_ms", 0):
            raise ValueError(f"must be above {PREFIX}FETCH_BUDGET_MS")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    def decide_options(self, **manner: Any) -> DecideOptions:
        """How calls are decided here; `manner`: what differs from caller to caller, as members of DecideOptions."""
        from cds_service.service.decide import DecideOptions  # most commands do without

        common: dict[str, Any] = {
            "zone": self.zone,
            "canonical_base": self.canonical_base,
            "sandbox": self.sandbox,
            "admit_unknown_status": self.admit_unknown_status,
            "settings": {"icu_locations": frozenset(self.icu_locations)},
        }
        return DecideOptions(**common | manner)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins for CORS: as set, or any (`*`) in the sandbox."""
        return self.cors_origins or (("*",) if self.sandbox else ())


def read_settings(**given: Any) -> Settings:
    """Settings from the environment; `given` values that are not None take precedence.

    Raises SettingsError naming every variable that is wrong or unknown and what to do about it.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_explain(dict(item)) for item in error.errors(include_url=False, include_input=False))
        ) from None


def release() -> str:
    """The version of this program; `unreleased` when it runs from its sources without being installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ionwise")
    except PackageNotFoundError:
        return "unreleased"


def describe_settings() -> tuple[tuple[str, str, str], ...]:
    """The table of settings: variable, default, help."""
    return tuple(
        (PREFIX + name.upper(), _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )


def _default(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _explain(item: dict[str, Any]) -> str:
    name = str(item["loc"][0]) if item["loc"] else ""
    field = Settings.model_fields.get(name)
    remedy = f"{field.description} Default: {_default(field.default)}" if field else "remove it"
    return f"{PREFIX}{name.upper()}: {item['msg']} -> {remedy}"


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        name = variable.upper()
        if name.startswith(PREFIX) and not name.startswith(TESTS) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"{variable}: is no setting -> " + (f"did you mean {near[0]}?" if near else "remove it")
            )
