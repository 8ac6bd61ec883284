"""Settings: read once from the environment; what cannot be is refused with what is allowed."""

from dataclasses import fields
from pathlib import Path

import pytest

from server.settings import SettingRefused, Settings, read, variable

SECRET = "a secret of more than thirty-two characters"


def test_has_defaults_for_everything() -> None:
    settings = read({})
    assert settings == Settings()
    assert settings.development
    assert settings.database_path == Path(".rolodesk/rolodesk.db")
    assert settings.url == "http://127.0.0.1:8000"


def test_describes_every_setting() -> None:
    for setting in fields(Settings):
        assert setting.metadata["help"].endswith("."), setting.name
        assert variable(setting.name).isupper()


def test_reads_the_environment() -> None:
    settings = read(
        {
            "ROLODESK_DATABASE_URL": "sqlite:////var/lib/rolodesk/r.db",
            "ROLODESK_MODE": "production",
            "ROLODESK_PUBLIC_URL": "https://desk.example.com/",
            "ROLODESK_SECRET": f"{SECRET},{SECRET}-older",
            "ROLODESK_RATE_LIMIT": "50",
            "PORT": "9000",
            "HOME": "/root",
        }
    )
    assert settings.database_path == Path("/var/lib/rolodesk/r.db")
    assert not settings.development
    assert settings.url == "https://desk.example.com"
    assert settings.secrets == (SECRET, f"{SECRET}-older")
    assert settings.rate_limit == "50"
    assert settings.port == 9000


def test_an_empty_value_is_the_default() -> None:
    assert read({"ROLODESK_MODE": "", "PORT": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ROLODESK_MODES", "production", "ROLODESK_MODES is not a setting. The settings are: PORT, ROLODESK_"),
        ("ROLODESK_MODE", "prod", "ROLODESK_MODE must be one of development, production; it is 'prod'."),
        ("ROLODESK_RATE_LIMIT", "fast", "ROLODESK_RATE_LIMIT must be one of on, off, or a whole number; it is 'fast'."),
        ("ROLODESK_LOG_LEVEL", "chatty", "ROLODESK_LOG_LEVEL must be one of debug, info, warning, error"),
        ("ROLODESK_DATABASE_URL", "mysql://x", "ROLODESK_DATABASE_URL must begin with sqlite:///"),
        (
            "ROLODESK_DATABASE_URL",
            "mysql://user:secret@x/y",
            "must begin with sqlite:/// or postgresql://; it is 'x/y'",
        ),
        ("ROLODESK_REPLICA_URL", "postgresql://me:hidden@x/y", "needs a ROLODESK_DATABASE_URL that does; it is 'x/y'."),
        ("ROLODESK_LISTEN_URL", "sqlite:///x", "ROLODESK_LISTEN_URL must begin with postgresql://"),
        ("ROLODESK_MAIL_URL", "ftp://me:hidden@x", "must be console, smtp://… or smtps://…; it is 'x'"),
        ("ROLODESK_PUBLIC_URL", "desk.example.com", "must begin with http:// or https://"),
        ("ROLODESK_CORS_ORIGINS", "*", "without path or wildcard; it holds '*'"),
        ("ROLODESK_CORS_ORIGINS", "https://a.example, https://b.example/", "it holds 'https://b.example/'"),
        ("ROLODESK_CORS_ORIGINS", "null", "it holds 'null'"),
        ("ROLODESK_SECRET", "short", "must hold secrets of at least 32 characters each"),
        ("ROLODESK_UPLOAD_FILES", "0", "ROLODESK_UPLOAD_FILES must be at least 1, or off."),
        ("ROLODESK_UPLOAD_BYTES", "2 GB", "ROLODESK_UPLOAD_BYTES must be one of off, or a whole number; it is '2 GB'."),
        ("PORT", "0", "PORT must be a whole number from 1 to 65535; it is '0'."),
        ("PORT", "http", "PORT must be a whole number from 1 to 65535; it is 'http'."),
    ],
)
def test_refuses_what_cannot_be(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        read({name: value})
    assert said in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_needs_a_secret_in_production() -> None:
    with pytest.raises(SettingRefused, match="ROLODESK_SECRET is required in production"):
        read({"ROLODESK_MODE": "production"})


def test_does_not_show_the_secret() -> None:
    settings = read({"ROLODESK_SECRET": SECRET})
    assert SECRET not in repr(settings)
    assert "secret=…" in repr(settings)
