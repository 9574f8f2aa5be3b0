"""What an operator can set: read once at start, validated, documented here and in the README."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("PAKKA_VAR") or ROOT / "var")
"""The folder of everything that outlives a restart on one machine."""


def _files() -> tuple[Path, ...]:
    # A run with a folder of its own, a test's for example, has nothing to do with the real number in `.env`.
    return (VAR / "local.env",) if os.environ.get("PAKKA_VAR") else (VAR / "local.env", ROOT / ".env")


class SettingsError(Exception):
    """A setting is missing or malformed; the message names it in one line."""


class Settings(BaseSettings):
    """Every setting, from the environment, `.env`, or what `up` and `setup` wrote to `var/local.env`."""

    model_config = SettingsConfigDict(env_file=_files(), env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str = Field(f"sqlite:///{VAR / 'pakka.db'}", description="SQLAlchemy URL of the database")
    redis_url: str = Field(
        f"unix://{VAR / 'redis' / 'redis.sock'}", description="Redis of the workers; default: the embedded one"
    )
    secret_key: str = Field(min_length=16, description="signs cookies and button ids, derives the field keys")
    public_url: str = Field("http://127.0.0.1:8000", description="how the world reaches us")
    port: int = Field(8000, ge=1, le=65535, description="port of the web process")
    graph_api_url: str = Field("https://graph.facebook.com", description="where the Cloud API is")
    graph_api_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="version of the Cloud API")
    whatsapp_token: str = Field("", description="system-user token of the first channel")
    whatsapp_phone_number_id: str = Field("", pattern=r"^\d*$", description="phone number id of the first channel")
    whatsapp_business_account_id: str = Field("", pattern=r"^\d*$", description="WhatsApp Business Account id")
    whatsapp_app_secret: str = Field("", description="webhook signature; without it no webhook is accepted")
    whatsapp_app_secret_previous: str = Field("", description="the secret that is being rotated out")
    whatsapp_verify_token: str = Field("", description="webhook verification")
    shards: int = Field(4, ge=1, le=256, description="how many doorbells the conversations are spread over")
    metrics_token: str = Field("", description="bearer token for /metrics; without it only this host may read them")
    trusted_proxies: int = Field(0, ge=0, le=5, description="how many proxies in front set X-Forwarded-For")
    address_provider: str = Field("", description="second opinion on addresses: google, libpostal, nominatim, pelias")
    address_provider_url: str = Field("", description="base address of the provider's server")
    address_provider_key: str = Field("", description="API key of the provider, where it needs one")
    llm_url: str = Field("", description="OpenAI-compatible server that may say what a reply means, up to /v1")
    llm_model: str = Field("", description="name of the model on that server")
    llm_key: str = Field("", description="API key of that server, where it needs one")
    session_cookie_secure: bool | None = Field(
        None, description="whether cookies need HTTPS; default: whether PUBLIC_URL begins with https"
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value.startswith("postgres://"):
            value = "postgresql://" + value.removeprefix("postgres://")
        if value.startswith("postgresql://"):
            value = "postgresql+psycopg://" + value.removeprefix("postgresql://")
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("public_url", "graph_api_url", "llm_url")
    @classmethod
    def _web_address(cls, value: str, info: ValidationInfo) -> str:
        optional = info.field_name == "llm_url" and not value
        if not optional and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("llm_model")
    @classmethod
    def _named_model(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("llm_url") and not value:
            raise ValueError("LLM_URL is set, so a model must be named")
        return value

    @model_validator(mode="after")
    def _usable_provider(self) -> Self:
        if self.address_provider:
            from bot.addresses.providers import make_provider

            make_provider(self.address_provider, self.address_provider_url, self.address_provider_key)
        return self

    @property
    def cookies_need_https(self) -> bool:
        """Whether the session cookie is sent over HTTPS only."""
        return self.public_url.startswith("https") if self.session_cookie_secure is None else self.session_cookie_secure

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The webhook secrets that are accepted now, newest first."""
        return tuple(s for s in (self.whatsapp_app_secret, self.whatsapp_app_secret_previous) if s)

    @classmethod
    def from_env(cls, **given: object) -> Self:
        """Read and check all settings.

        Raises SettingsError with one line for the first setting that is missing or malformed.
        """
        try:
            return cls(**given)  # type: ignore[arg-type]  # The environment fills what is not given.
        except ValidationError as error:
            first = error.errors()[0]
            # A rule about several settings has no place of its own: it is about the provider of addresses.
            name = str(first["loc"][0]).upper() if first["loc"] else "ADDRESS_PROVIDER"
            if first["type"] == "missing":
                raise SettingsError(f"{name} is not set: run `python3 app.py setup`, or set it (see README)") from None
            raise SettingsError(f"{name} is malformed: {first['msg']}") from None
