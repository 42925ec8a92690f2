from pathlib import Path

import pytest

from bot.settings.notice_targets import is_loopback
from bot.settings.settings import Settings, SettingsError, load_settings

LONG = "0123456789abcdef0123456789abcdef"
SHORT = "not-long-enough-s3cret"


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No variables of the developer's own shell, no handrail.toml but the test's."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HANDRAIL_{name}".upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def problems(**chosen) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(**chosen)
    assert str(refused.value).startswith("the settings cannot be used:")
    return refused.value.problems


def test_defaults_serve_this_machine_alone():
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.kb, settings.data) == (Path("kb_articles"), Path("var"))
    assert (settings.handoff, settings.reopen_h, settings.max_wait_s) == ("auto", 24, 600)
    assert (settings.rate_limits, settings.require_origin, settings.allowed_origins) == ("on", False, ())


def test_without_the_setting_no_language_model_is_asked():
    assert load_settings().llm is None


def test_a_language_model_has_bounds_and_a_secret_key(monkeypatch):
    monkeypatch.setenv("HANDRAIL_LLM", "openai:gpt-5-mini")
    monkeypatch.setenv("HANDRAIL_LLM_BASE_URL", "http://127.0.0.1:8080/v1")
    monkeypatch.setenv("HANDRAIL_LLM_API_KEY", "sk-not-to-be-seen")
    settings = load_settings()
    assert settings.llm_first_token_s <= settings.llm_timeout_s < 8
    assert "sk-not-to-be-seen" not in repr(settings)
    assert settings.llm_api_key.get_secret_value() == "sk-not-to-be-seen"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm", "gpt-5-mini"),
        ("llm", "openai:"),
        ("llm_base_url", "ftp://models.example"),
        ("llm_base_url", "https://user:password@models.example/v1"),
        ("llm_timeout_s", "8"),
        ("llm_timeout_s", "0"),
        ("llm_first_token_s", "8"),
        ("llm_max_output_tokens", "1000000"),
        ("llm_max_input_tokens", "10"),
        ("llm_tokens_per_day", "-1"),
        ("llm_temperature", "3"),
    ],
)
def test_a_language_model_without_sense_or_bounds_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"HANDRAIL_{name}".upper(), value)
    (problem,) = problems()
    assert problem.startswith(f"{name}: ")


def test_a_language_model_without_a_provider_is_told_how_to_name_one(monkeypatch):
    monkeypatch.setenv("HANDRAIL_LLM", "gpt-5-mini")
    assert problems() == ["llm: name provider and model, such as 'openai:gpt-5-mini' (got 'gpt-5-mini')"]


def test_a_password_in_a_url_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("HANDRAIL_LLM_BASE_URL", "https://user:s3cret@models.example/v1")
    (problem,) = problems()
    assert "without a password" in problem
    assert "s3cret" not in problem


def test_an_empty_key_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("HANDRAIL_LLM_API_KEY", "")
    (problem,) = problems()
    assert problem.startswith("llm_api_key: ")
    assert "got" not in problem


def test_a_trusted_proxy_is_an_address_or_a_network(monkeypatch):
    monkeypatch.setenv("HANDRAIL_TRUSTED_PROXIES", "10.0.0.5, 10.1.0.0/16, fd00::1")
    assert load_settings().trusted_proxies == ("10.0.0.5", "10.1.0.0/16", "fd00::1")
    monkeypatch.setenv("HANDRAIL_TRUSTED_PROXIES", "balancer.internal")
    (problem,) = problems()
    assert "'balancer.internal' is no address or network" in problem


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_command_line_beats_environment_beats_file_beats_default(monkeypatch):
    Path("handrail.toml").write_text('port = 1\nhandoff = "on_request"\nkb = "from_file"\n', encoding="utf-8")
    monkeypatch.setenv("HANDRAIL_PORT", "2")
    monkeypatch.setenv("HANDRAIL_KB", "from_env")
    settings = load_settings(port=3, kb=None)
    assert (settings.port, settings.kb, settings.handoff, settings.host) == (
        3,
        Path("from_env"),
        "on_request",
        "127.0.0.1",
    )


def test_sites_have_their_own_origins_and_secrets_and_default_is_always_there(monkeypatch):
    monkeypatch.setenv("HANDRAIL_ALLOWED_ORIGINS", '["https://Home.example"]')
    monkeypatch.setenv("HANDRAIL_SITES__SHOP__ALLOWED_ORIGINS", '["https://shop.example"]')
    monkeypatch.setenv("HANDRAIL_SITES__SHOP__IDENTITY_SECRET", LONG)
    sites = load_settings().all_sites()
    assert set(sites) == {"default", "shop"}
    assert sites["default"].allowed_origins == ("https://home.example",)
    assert sites["default"].identity_secret is None
    assert sites["shop"].identity_secret.get_secret_value() == LONG


def test_an_unknown_variable_is_named(monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROT", "8000")
    (problem,) = problems()
    assert problem.startswith("HANDRAIL_PROT is not a setting")
    assert "HANDRAIL_PORT" in problem


def test_variables_of_tests_and_of_others_are_no_ones_business(monkeypatch):
    monkeypatch.setenv("HANDRAIL_TEST_POSTGRES", "on")
    monkeypatch.setenv("HANDRAILS", "of another make")
    assert load_settings().port == 8000


def test_an_unknown_key_of_the_file_is_named():
    Path("handrail.toml").write_text("prot = 8000\n", encoding="utf-8")
    (problem,) = problems()
    assert problem.startswith("prot is not a setting")


def test_a_file_that_is_not_toml_is_named():
    Path("handrail.toml").write_text("port: 8000\n", encoding="utf-8")
    (problem,) = problems()
    assert problem.startswith("handrail.toml: ")


def test_all_problems_are_listed_at_once(monkeypatch):
    monkeypatch.setenv("HANDRAIL_PORT", "70000")
    monkeypatch.setenv("HANDRAIL_HANDOFF", "never")
    monkeypatch.setenv("HANDRAIL_PROT", "1")
    Path("handrail.toml").write_text("reopen_h = -1\n", encoding="utf-8")
    messages = "\n".join(problems(answer_confidence=1.5))
    for named in ("HANDRAIL_PROT", "port: ", "70000", "handoff: ", "never", "reopen_h: ", "answer_confidence: "):
        assert named in messages


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "eight"),
        ("answer_confidence", "nan"),
        ("reopen_h", "inf"),
        ("metrics_token", ""),
        ("max_wait_s", "0"),
        ("rate_limits", "maybe"),
        ("log_format", "xml"),
        ("allowed_origins", "[1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"HANDRAIL_{name}".upper(), value)
    assert any(name in problem for problem in problems())


@pytest.mark.parametrize(("name", "wanted"), [("database_url", "postgresql://"), ("redis_url", "redis://")])
def test_an_address_of_another_kind_is_refused_and_its_password_is_not_shown(name, wanted):
    (problem,) = problems(**{name: "mysql://ada:swordfish@db/handrail"})
    assert problem.startswith(f"{name}: it does not begin with {wanted}")
    assert "swordfish" not in problem


def test_passwords_in_addresses_are_not_shown():
    settings = load_settings(database_url="postgres://ada:swordfish@db/handrail", redis_url="rediss://:swordfish@r")
    assert "swordfish" not in repr(settings)


@pytest.mark.parametrize("origin", ["shop.example", "ftp://shop.example", "https://", "https://shop.example/", "*"])
def test_an_origin_is_scheme_and_host_alone(origin):
    (problem,) = problems(sites={"shop": {"allowed_origins": [origin]}})
    assert problem.startswith("sites.shop.allowed_origins.0: ")
    assert "is not an origin" in problem
    assert any("is not an origin" in problem for problem in problems(allowed_origins=[origin]))


def test_a_secret_shorter_than_32_characters_is_refused_and_not_shown():
    for messages in (problems(identity_secret=SHORT), problems(sites={"shop": {"identity_secret": SHORT}})):
        assert "shorter than 32 characters" in "\n".join(messages)
        assert SHORT not in "\n".join(messages)


def test_a_secret_does_not_show_in_the_settings():
    assert LONG not in repr(load_settings(identity_secret=LONG, metrics_token=LONG))


def test_the_default_site_is_not_a_table():
    assert "sites.default" in "\n".join(problems(sites={"default": {}}))


def test_limits_are_off_on_loopback_only():
    for host in ("127.0.0.1", "::1", "localhost"):
        assert load_settings(rate_limits="off", host=host).rate_limits == "off"
    for host in ("0.0.0.0", "::", "192.0.2.7", "handrail.example"):
        assert "rate_limits" in "\n".join(problems(rate_limits="off", host=host))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback_is_what_only_this_machine_can_reach(host, loopback):
    assert is_loopback(host) is loopback


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1
