"""Every setting of Handrail: its type, unit, default and what it is for.

Read from `HANDRAIL_*` variables first, then `handrail.toml` in the working folder, then the defaults here.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableSource

from bot.settings.notice_targets import EventKind, Mailbox, SmtpUrl, WebhookSecret, WebhookUrl, is_loopback

PREFIX = "HANDRAIL_"
TEST_PREFIX = "HANDRAIL_TEST_"  # read by tests and benchmarks, never by the server
CONFIG_FILE = "handrail.toml"
LLM_MAX_S = 7  # a visitor has an answer or a person within 8 s; the search before it takes a fraction of one


class SettingsError(Exception):
    """The settings cannot be used; lists every problem at once."""

    code = "bad_settings"

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def __str__(self) -> str:
        return "the settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in self.problems)


def _split(value: object) -> object:
    """A variable lists its values with commas, or as JSON."""
    if not isinstance(value, str):
        return value
    listed = value.strip()
    return (
        orjson.loads(listed) if listed.startswith("[") else [item.strip() for item in listed.split(",") if item.strip()]
    )


def _origin(url: str) -> str:
    scheme, _, host = url.lower().partition("://")
    if scheme not in ("http", "https") or not re.fullmatch(r"[^\s/?#@*]+", host):
        message = f"{url!r} is not an origin; write scheme and host alone, such as 'https://shop.example'"
        raise ValueError(message)
    return f"{scheme}://{host}"


Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]


def _network(address: str) -> str:
    try:
        return str(ipaddress.ip_network(address)).removesuffix("/32").removesuffix("/128")
    except ValueError:
        message = f"{address!r} is no address or network; write one such as '10.0.0.5' or '10.0.0.0/24'"
        raise ValueError(message) from None


Network = Annotated[str, AfterValidator(_network)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
Kinds = Annotated[tuple[EventKind, ...], NoDecode, BeforeValidator(_split)]
Mailboxes = Annotated[tuple[Mailbox, ...], NoDecode, BeforeValidator(_split)]


class Site(BaseModel):
    """One place the widget stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_origins: Origins = Field(
        (), description="Origins of the pages that may embed the widget, such as https://shop.example."
    )
    identity_secret: SecretStr | None = Field(
        None, description="Shared secret with which your own server signs who a visitor is (HMAC-SHA256)."
    )

    @field_validator("identity_secret")
    @classmethod
    def _secret_is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < 32:  # noqa: PLR2004 - 32 characters: see the message
            message = "the secret is shorter than 32 characters; make one with: openssl rand -hex 32"
            raise ValueError(message)
        return secret


class Settings(BaseSettings):
    """What an operator may choose. Frozen; lower houses receive plain values of it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=CONFIG_FILE
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve on this machine, all on one port; one a core is usual."
    )
    kb: Path = Field(Path("kb_articles"), description="Folder of the Markdown articles.")
    data: Path = Field(Path("var"), description="Folder of the database, the index and the exported model.")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL, as postgresql://user:password@host/name; without it SQLite in the data folder."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis, as redis://host:6379, wakes the other processes at once; without it within 2 s."
    )
    model: str = Field(
        "all-MiniLM-L6-v2", description="Embedding model: the bundled one, or the path or Hugging Face name of another."
    )
    public_url: Origin | None = Field(
        None, description="URL, without a path, under which visitors reach this server behind a proxy."
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks of proxies, besides this machine, that may say who a visitor's address is.",
    )
    handoff: Literal["auto", "on_request"] = Field(
        "auto", description="When a person is called: when the bot cannot help, or only when the visitor asks."
    )
    assignment: Literal["manual", "auto"] = Field(
        "manual", description="Who gives waiting visitors to agents: agents take them, or the least busy one gets them."
    )
    answer_within_s: float = Field(
        120,
        ge=10,
        description="Seconds an agent has to do something in a chat that was assigned; then the next gets it.",
    )
    error_budget: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Share of its answers that may be wrong (0.05: one of twenty); the bot answers as much as that allows.",
    )
    suggest_budget: float = Field(
        0.3333,
        ge=0,
        lt=1,
        description="Share of its suggestions that may be without a useful article (0.3333: one of three).",
    )
    answer_confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Least confidence (0 to 1) with which the bot answers, instead of what error_budget comes to.",
    )
    phrases: Path | None = Field(
        None, description="TOML file of phrases that the bot says in place of its own, a table for each language."
    )
    llm: str | None = Field(
        None,
        description="Language model that words answers, as provider:model; without one nothing leaves this machine.",
    )
    llm_base_url: str | None = Field(None, description="URL of the language model's API, if not the provider's.")
    llm_api_key: SecretStr | None = Field(
        None, min_length=1, description="Key for the language model's API; else the provider's own variable is read."
    )
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="Temperature of the language model, 0 to 2; else the provider's own default."
    )
    llm_first_token_s: float = Field(
        3, gt=0, le=LLM_MAX_S, description="Seconds until the language model's first word; then the article's own."
    )
    llm_timeout_s: float = Field(
        6, gt=0, le=LLM_MAX_S, description="Seconds until the language model's last word; then the article's own words."
    )
    llm_max_input_tokens: int = Field(
        3000, ge=1000, description="Tokens sent to the language model for one answer, by estimate."
    )
    llm_max_output_tokens: int = Field(
        400, ge=50, le=4000, description="Tokens the language model may write an answer."
    )
    llm_tokens_per_day: int = Field(
        1_000_000,
        ge=0,
        description="Tokens a day (UTC) for the language model, in and out; then the articles' own words.",
    )
    allowed_origins: Origins = Field(
        (), description="Origins that may embed the widget of the default site; the server's own always may."
    )
    require_origin: bool = Field(
        False,
        description="Refuse visitor sockets without an Origin header, which only programs other than browsers open.",
    )
    identity_secret: SecretStr | None = Field(
        None, description="Secret of the default site for signed-in visitors, at least 32 characters."
    )
    sites: dict[str, Site] = Field(
        default_factory=dict, description="Further sites by name, each with allowed_origins and identity_secret."
    )
    reopen_h: float = Field(
        24, ge=0, le=24 * 366, description="Hours for which a closed conversation goes on when its visitor writes."
    )
    max_wait_s: float = Field(
        600, gt=0, description="Seconds in the queue after which the visitor is offered a follow-up."
    )
    retention_days: float | None = Field(
        None,
        ge=1,
        description="Days after which a closed conversation is erased by the server; without it conversations are kept.",
    )
    webhook_url: WebhookUrl | None = Field(
        None, description="Web address of your own that is told of events; without one nobody outside is."
    )
    webhook_secret: WebhookSecret | None = Field(
        None, description="Secret with which what is sent to webhook_url is signed: base64 of 24 to 64 bytes."
    )
    webhook_events: Kinds = Field(
        ("handoff_requested", "contact_left", "closed"),
        min_length=1,
        description="Kinds of events that are sent to webhook_url.",
    )
    email_to: Mailboxes = Field(
        (), description="Mailboxes that are told of visitors nobody attends to; without any no mail is sent."
    )
    email_from: Mailbox | None = Field(None, description="Address that mails to email_to come from.")
    smtp_url: SmtpUrl | None = Field(
        None, description="Mail server, as smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465."
    )
    rate_limits: Literal["on", "off"] = Field(
        "on", description="Limits per visitor and address; off is for load tests and refused unless host is loopback."
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Bearer token for /metrics, at least 16 characters; without one it answers 404.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="One line for people, or one JSON object, per log event."
    )

    @field_validator("database_url")
    @classmethod
    def _database_is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"postgres(?:ql)?://", url.get_secret_value()):
            message = "it does not begin with postgresql://; write postgresql://user:password@host/name"
            raise ValueError(message)
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis_is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"(?:rediss?|unix)://", url.get_secret_value()):
            message = "it does not begin with redis://, rediss:// or unix://; write redis://host:6379"
            raise ValueError(message)
        return url

    @field_validator("llm")
    @classmethod
    def _llm_names_its_provider(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[a-z0-9_]+:\S+", name):
            message = "name provider and model, such as 'openai:gpt-5-mini'"
            raise ValueError(message)
        return name

    @field_validator("llm_base_url")
    @classmethod
    def _llm_base_url_holds_no_password(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/@]+(?:/\S*)?", url):
            message = "write the URL of an API, without a password in it, such as 'http://127.0.0.1:8080/v1'"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def _unlimited_only_on_loopback(self) -> "Settings":
        if self.rate_limits == "off" and not is_loopback(self.host):
            message = f"rate_limits is 'off' but host is {self.host!r}; unlimited servers listen on 127.0.0.1 only"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _default_site_is_named_once(self) -> "Settings":
        if "default" in self.sites:
            message = "sites.default is not a table; set allowed_origins and identity_secret at the top level"
            raise ValueError(message)
        Site(allowed_origins=self.allowed_origins, identity_secret=self.identity_secret)
        return self

    @model_validator(mode="after")
    def _notices_have_all_they_need(self) -> "Settings":
        webhook = {"webhook_url": self.webhook_url, "webhook_secret": self.webhook_secret}
        mail = {"email_to": self.email_to, "email_from": self.email_from, "smtp_url": self.smtp_url}
        problems = [_missing(group) for group in (webhook, mail) if any(group.values()) and not all(group.values())]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file: in this order."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def all_sites(self) -> Mapping[str, Site]:
        """Every site by name, `default` included."""
        default = Site(allowed_origins=self.allowed_origins, identity_secret=self.identity_secret)
        return {"default": default, **self.sites}


def _missing(group: Mapping[str, object]) -> str:
    """Which of the settings that need each other are there, and which are to be set."""
    present, missing = ([name for name, value in group.items() if bool(value) is is_set] for is_set in (True, False))
    return f"{' and '.join(present)} without {' and '.join(missing)}: set {'them' if len(missing) > 1 else 'it'} too"


def load_settings(**chosen: object) -> Settings:
    """The settings, `chosen` (from the command line, None: not given) before all others. Raises SettingsError."""
    values = {name: value for name, value in chosen.items() if value is not None}
    problems = _unknown_variables(os.environ)
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # pydantic checks each value
    except ValidationError as invalid:
        raise SettingsError(problems + [_problem(error) for error in invalid.errors()]) from None
    except tomllib.TOMLDecodeError as unreadable:
        raise SettingsError([*problems, f"{CONFIG_FILE}: {unreadable}; mend the file"]) from None
    except UnreadableSource as unreadable:
        raise SettingsError([*problems, f"{unreadable}; write it as JSON, or in {CONFIG_FILE}"]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """pydantic-settings overlooks variables it has no field for: a misspelt one would silently do nothing."""
    fields = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    ours = [name for name in environment if name.upper().startswith(PREFIX)]
    return [
        f"{name} is not a setting; remove it or correct its name (known: {', '.join(sorted(fields))})"
        for name in ours
        if name.upper().split("__")[0] not in fields and not name.upper().startswith(TEST_PREFIX)
    ]


def _problem(error: Mapping[str, object]) -> str:
    where = ".".join(str(part) for part in error["loc"]) if isinstance(error["loc"], tuple) else ""
    if error["type"] == "extra_forbidden":
        return f"{where} is not a setting; remove it from {CONFIG_FILE} or correct its name"
    message = str(error["msg"]).removeprefix("Value error, ")
    secret = any(word in where for word in ("secret", "token", "key", "_url"))
    shown = "" if secret or not where else f" (got {error['input']!r})"
    return f"{where + ': ' if where else ''}{message}{shown}"
