"""Settings, read once from the environment. Nothing below this room reads it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from db.uploads import Space

PREFIX = "ROLODESK_"
SHORTEST_TOKEN = 16
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
POSTGRESQL = ("postgresql://", "postgres://")


class SettingRefused(Exception):  # noqa: N818  an answer to the operator
    """A setting that cannot be; the message names it, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its variable, its default and its meaning in the field's `metadata`."""

    database_url: str = field(
        default="",
        metadata={
            "help": "sqlite:///PATH (three slashes, then a path) or postgresql://user:password@host/name. Default: "
            "rolodesk.db in the data directory."
        },
    )
    listen_url: str = field(
        default="",
        metadata={
            "help": "postgresql://… of the same database, past any pooler: processes tell each other of changes at once "
            "over it. Default: they look for changes."
        },
    )
    replica_url: str = field(
        default="",
        metadata={
            "help": "postgresql://… of a server that follows the database's: reads go to it where it has everything that "
            "was written. Default: none."
        },
    )
    mode: str = field(
        default="development",
        metadata={"help": "development or production.", "allowed": ("development", "production")},
    )
    public_url: str = field(
        default="",
        metadata={"help": "Where people reach this server, for links in mails. Default: http://127.0.0.1:PORT."},
    )
    data_dir: str = field(default=".rolodesk", metadata={"help": "Directory of uploads and of the default database."})
    upload_files: str = field(
        default="1000",
        metadata={
            "help": "How many uploaded files a workspace may keep, those that are being sent too; off for any number.",
            "number": True,
            "allowed": ("off",),
        },
    )
    upload_bytes: str = field(
        default="20000000000",
        metadata={
            "help": "How many bytes a workspace's uploaded files may have together; off for any number.",
            "number": True,
            "allowed": ("off",),
        },
    )
    mail_url: str = field(
        default="console",
        metadata={
            "help": "smtp://[user:password@]host[:port], smtps://… (TLS from the start), or console to print mails."
        },
    )
    mail_from: str = field(default="Rolodesk <help@example.com>", metadata={"help": "The sender of mails."})
    mail_rate: str = field(
        default="off",
        metadata={
            "help": "How many mails a minute each worker sends, as the mail server allows; off for no limit.",
            "number": True,
            "allowed": ("off",),
        },
    )
    rate_limit: str = field(
        default="on",
        metadata={
            "help": "on (600 points a second for each key, user or address, bursts of 6,000), off, or points a second.",
            "number": True,
            "allowed": ("on", "off"),
        },
    )
    answer_cache: str = field(
        default="on",
        metadata={"help": "on or off: whether answers are kept while nothing changed.", "allowed": ("on", "off")},
    )
    trusted_documents: str = field(
        default="", metadata={"help": "A manifest of documents known by their hash (a JSON file)."}
    )
    trusted_documents_only: str = field(
        default="off",
        metadata={"help": "on or off: whether only the manifest's documents are answered.", "allowed": ("on", "off")},
    )
    secret: str = field(
        default="",
        metadata={
            "help": "One or more secrets of at least 32 characters, separated by commas, the newest first; signs links, seals "
            "what opens address books. Required in production.",
            "secret": True,
        },
    )
    cors_origins: str = field(
        default="",
        metadata={
            "help": "Origins of front ends (https://host[:port]), separated by commas; none by default. Their pages may read "
            "answers and use sessions' cookies."
        },
    )
    log_level: str = field(
        default="info",
        metadata={"help": "debug, info, warning or error.", "allowed": ("debug", "info", "warning", "error")},
    )
    log_format: str = field(
        default="text",
        metadata={"help": "text, or json for one object a line.", "allowed": ("text", "json")},
    )
    log_requests: str = field(
        default="off",
        metadata={"help": "on or off: whether each request is a line of the log.", "allowed": ("on", "off")},
    )
    slow_milliseconds: str = field(
        default="1000",
        metadata={
            "help": "Requests that take as many milliseconds or longer are logged with their document, without the texts "
            "in it; off for none.",
            "number": True,
            "allowed": ("off",),
        },
    )
    metrics_token: str = field(
        default="",
        metadata={
            "help": "Turns on /metrics for Prometheus, for who sends this token as Authorization: Bearer. At least 16 "
            "characters.",
            "secret": True,
        },
    )
    traces_url: str = field(
        default="",
        metadata={
            "help": "Where spans are sent (OpenTelemetry, OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces. "
            "Needs the extra otel."
        },
    )
    google_client_id: str = field(
        default="", metadata={"help": "The client id of this server at Google, to read users' contacts there."}
    )
    google_client_secret: str = field(
        default="", metadata={"help": "The secret that goes with that client id.", "secret": True}
    )
    google_endpoints: str = field(
        default="",
        metadata={
            "help": "Other addresses than Google's own, separated by blanks: authorize=URL token=URL revoke=URL "
            "contacts=URL."
        },
    )
    microsoft_client_id: str = field(
        default="", metadata={"help": "The client id of this server at Microsoft, to read users' contacts there."}
    )
    microsoft_client_secret: str = field(
        default="", metadata={"help": "The secret that goes with that client id.", "secret": True}
    )
    microsoft_tenant: str = field(
        default="common",
        metadata={"help": "Whose Microsoft accounts: common, organizations, consumers, or a tenant's id."},
    )
    microsoft_endpoints: str = field(
        default="",
        metadata={
            "help": "Other addresses than Microsoft's own, separated by blanks: authorize=URL token=URL revoke=URL "
            "contacts=URL."
        },
    )
    yahoo_client_id: str = field(
        default="", metadata={"help": "The client id of this server at Yahoo, to read users' contacts there."}
    )
    yahoo_client_secret: str = field(
        default="", metadata={"help": "The secret that goes with that client id.", "secret": True}
    )
    yahoo_endpoints: str = field(
        default="",
        metadata={
            "help": "Other addresses than Yahoo's own, separated by blanks: authorize=URL token=URL revoke=URL "
            "contacts=URL."
        },
    )
    carddav_servers: str = field(
        default="",
        metadata={
            "help": "CardDAV servers that users may connect to with a name and an app password, separated by commas: the "
            "address of each and, after blanks, further origins of its own, such as https://*.icloud.com."
        },
    )
    port: int = field(default=8000, metadata={"help": "The port to listen on.", "variable": "PORT"})

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{f.name}={'…' if _secret(f, getattr(self, f.name)) else repr(getattr(self, f.name))}"
            for f in fields(self)
        )
        return f"Settings({shown})"

    @property
    def development(self) -> bool:
        return self.mode == "development"

    @property
    def database(self) -> Path | str:
        """Where the database is: a file, or the URL of a PostgreSQL database."""
        return self.database_url if self.database_url.startswith(POSTGRESQL) else self.database_path

    @property
    def database_path(self) -> Path:
        return (
            Path(self.database_url.removeprefix("sqlite:///")) if self.database_url else self.data_path / "rolodesk.db"
        )

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir)

    @property
    def upload_path(self) -> Path:
        return self.data_path / "uploads"

    @property
    def upload_space(self) -> Space:
        """How much a workspace's uploads may take."""
        return Space(*(None if given == "off" else int(given) for given in (self.upload_files, self.upload_bytes)))

    @property
    def slow(self) -> int | None:
        """From how many milliseconds on a request is slow; None where none is."""
        return None if self.slow_milliseconds == "off" else int(self.slow_milliseconds)

    @property
    def mails_a_minute(self) -> int | None:
        return None if self.mail_rate == "off" else int(self.mail_rate)

    @property
    def metrics_path(self) -> Path:
        return self.data_path / "metrics"

    @property
    def url(self) -> str:
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of front ends."""
        return tuple(part.strip() for part in self.cors_origins.split(",") if part.strip())

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that sign links, the newest first; in development one that everybody knows."""
        given = tuple(part.strip() for part in self.secret.split(",") if part.strip())
        return given or ("development-secret-that-everybody-knows",)


def _secret(setting: Any, value: Any) -> bool:
    """Whether a value is not to be shown: secrets, and URLs with a password."""
    return bool(value) and (bool(setting.metadata.get("secret")) or "@" in str(value).partition("://")[2])


def variable(name: str) -> str:
    """The environment's name of a setting."""
    setting = next(f for f in fields(Settings) if f.name == name)
    return str(setting.metadata.get("variable", PREFIX + name.upper()))


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment; refused with the allowed values where one is unknown."""
    environment = os.environ if environment is None else environment
    known = {variable(f.name): f for f in fields(Settings)}
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            raise SettingRefused(f"{name} is not a setting. The settings are: {', '.join(sorted(known))}.")
    values: dict[str, Any] = {}
    for name, setting in known.items():
        text = environment.get(name)
        if text is not None and text != "":
            values[setting.name] = _value(name, text, setting)
    settings = Settings(**values)
    _check(settings)
    return settings


def elsewhere(url: str, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment with another database."""
    environment = os.environ if environment is None else environment
    return read({**environment, variable("database_url"): url, variable("listen_url"): "", variable("replica_url"): ""})


def _value(name: str, text: str, setting: Any) -> Any:
    if setting.type is int or setting.type == "int":
        if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004  a port
            raise SettingRefused(f"{name} must be a whole number from 1 to 65535; it is {text!r}.")
        return int(text)
    allowed = setting.metadata.get("allowed")
    if allowed and text not in allowed and not (setting.metadata.get("number") and text.isdecimal()):
        also = ", or a whole number" if setting.metadata.get("number") else ""
        raise SettingRefused(f"{name} must be one of {', '.join(allowed)}{also}; it is {text!r}.")
    return text


def _check_databases(settings: Settings) -> None:
    url = settings.database_url
    if url and not url.startswith(("sqlite:///", *POSTGRESQL)):
        shown = url.split("@")[-1]
        raise SettingRefused(
            f"{variable('database_url')} must begin with sqlite:/// or postgresql://; it is {shown!r}."
        )
    for name in ("listen_url", "replica_url"):
        given = getattr(settings, name)
        if given and not (given.startswith(POSTGRESQL) and url.startswith(POSTGRESQL)):
            raise SettingRefused(
                f"{variable(name)} must begin with postgresql:// and needs a {variable('database_url')} that does; "
                f"it is {given.split('@')[-1]!r}."
            )


def _check(settings: Settings) -> None:
    _check_databases(settings)
    if settings.mail_url != "console" and not settings.mail_url.startswith(("smtp://", "smtps://")):
        shown = settings.mail_url.split("@")[-1]
        raise SettingRefused(f"{variable('mail_url')} must be console, smtp://… or smtps://…; it is {shown!r}.")
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise SettingRefused(
            f"{variable('public_url')} must begin with http:// or https://; it is {settings.public_url!r}."
        )
    _check_origins(settings)
    for name, given in zip(("upload_files", "upload_bytes"), settings.upload_space, strict=True):
        if given == 0:
            raise SettingRefused(f"{variable(name)} must be at least 1, or off.")
    if settings.mails_a_minute == 0:
        raise SettingRefused(f"{variable('mail_rate')} must be at least 1, or off.")
    if settings.traces_url and not settings.traces_url.startswith(("http://", "https://")):
        raise SettingRefused(
            f"{variable('traces_url')} must begin with http:// or https://; it is {settings.traces_url!r}."
        )
    if settings.metrics_token and len(settings.metrics_token) < SHORTEST_TOKEN:
        raise SettingRefused(f"{variable('metrics_token')} must have at least {SHORTEST_TOKEN} characters.")
    if not settings.development and not settings.secret:
        raise SettingRefused(f"{variable('secret')} is required in production: at least 32 random characters.")
    if any(len(part) < 32 for part in settings.secret.split(",") if settings.secret):  # noqa: PLR2004
        raise SettingRefused(f"{variable('secret')} must hold secrets of at least 32 characters each.")


def _check_origins(settings: Settings) -> None:
    for one in settings.origins:
        if not ORIGIN.fullmatch(one):
            raise SettingRefused(
                f"{variable('cors_origins')} must hold origins as browsers send them, such as https://desk.example.com, "
                f"without path or wildcard; it holds {one!r}."
            )
