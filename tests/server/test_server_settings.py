"""Settings: validation with messages that name the variable, and no secrets in messages."""

import re
import sys
from pathlib import Path

import pytest

from tests.server.test_server_keys import KEY, SITE, digest
from veraface.server import Settings, SettingsError, load_settings
from veraface.server.settings import DEPRECATED_VARIABLES

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.mark.parametrize(("former", "name"), DEPRECATED_VARIABLES.items())
def test_deprecated_variables_are_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, former: str, name: str
) -> None:
    field = name.removeprefix("VERAFACE_").lower()
    monkeypatch.setenv(former, "3000000" if field.endswith("bytes") else "17")
    assert str(getattr(load_settings(), field)) in ("3000000", "17")
    assert f"{former} is deprecated; use {name}" in caplog.text
    assert former in DOCUMENT.read_text()
    monkeypatch.setenv(name, "2000000" if field.endswith("bytes") else "18")
    assert str(getattr(load_settings(), field)) in ("2000000", "18")
    monkeypatch.setenv(name, "-1")
    with pytest.raises(SettingsError, match=f"{name}='-1'"):
        load_settings()


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`VERAFACE_(\w+)`", DOCUMENT.read_text().split("## Links")[0]))
    assert documented == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEYS", "vf_a-key-instead-of-its-digest"),
        ("API_KEYS", ","),
        ("API_KEYS_FILE", "/no/such/file"),
        ("API_KEYS_FILE", "/"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "example.org"),
        ("CORS_ORIGINS", "https://example.org/"),
        ("CORS_ORIGINS", "https://example.org:443"),
        ("CORS_ORIGINS", "https://EXAMPLE.org"),
        ("CORS_ORIGINS", "https://*.example.org/path"),
        ("CORS_ORIGINS", f"{SITE},https://example.org:port"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://example.org"),
        ("ALLOWED_HOSTS", "example.org:443"),
        ("ALLOWED_HOSTS", "example.org/path"),
        ("ALLOWED_HOSTS", "*example.org"),
        ("FRAME_ORIGINS", "*"),
        ("FRAME_ORIGINS", "example.org; script-src *"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "proxy.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "127.0.0.1,::/0"),
        ("RATE_LIMIT", "many"),
        ("RATE_LIMIT", "60"),
        ("RATE_LIMIT", "0/minute"),
        ("RATE_LIMIT", "1/second;5/minute"),
        ("REDIS_URL", "redis://127.0.0.1:6379"),  # without a rate limit
        ("METRICS", "maybe"),
        ("LOG_FORMAT", "xml"),
        ("TELEMETRY", "perhaps"),
    ],
)
def test_invalid_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VERAFACE_{name}", value)
    with pytest.raises(SettingsError, match=f"VERAFACE_{name}") as caught:
        load_settings()
    if name in ("API_KEYS", "REDIS_URL"):
        assert value.replace(",", "-") not in str(caught.value)  # it may be a secret


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:6379", "redis://:secret@", "redis://:secret@host:port", "x"]
)
def test_messages_about_redis_urls_contain_no_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("VERAFACE_RATE_LIMIT", "1/minute")
    monkeypatch.setenv("VERAFACE_REDIS_URL", url)
    with pytest.raises(SettingsError, match="VERAFACE_REDIS_URL") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "# nobody\n", "vf_a-key\n", digest(KEY)[:-1], f"{digest(KEY)}\n{digest(KEY)} x"]
)
def test_a_file_without_digests_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    monkeypatch.setenv("VERAFACE_API_KEYS_FILE", str(path))
    with pytest.raises(SettingsError, match="VERAFACE_API_KEYS_FILE") as caught:
        load_settings()
    assert "vf_a-key" not in str(caught.value)


def test_settings_do_not_show_keys_and_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERAFACE_API_KEYS", digest(KEY))
    monkeypatch.setenv("VERAFACE_RATE_LIMIT", "60/minute")
    monkeypatch.setenv("VERAFACE_REDIS_URL", "redis://:secret@127.0.0.1/0")
    settings = load_settings()
    assert str(settings.redis_url) == "redis://:secret@127.0.0.1:6379/0"
    assert digest(KEY) not in repr(settings)
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "module"),
    [("TELEMETRY", "opentelemetry.exporter"), ("FETCH_LINKS", "httpx"), ("REDIS_URL", "redis")],
)
def test_switches_are_refused_without_their_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    for loaded in [loaded for loaded in sys.modules if loaded == module or loaded.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [_Missing(module), *sys.meta_path])
    monkeypatch.setenv("VERAFACE_RATE_LIMIT", "1/minute")
    monkeypatch.setenv(f"VERAFACE_{name}", "redis://127.0.0.1" if name == "REDIS_URL" else "true")
    with pytest.raises(SettingsError, match=rf"VERAFACE_{name}.*pip install"):
        load_settings()


class _Missing:
    """An import hook by which a module is not installed."""

    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._module or name.startswith(f"{self._module}."):
            raise ModuleNotFoundError(name)
