"""The settings, read once from the environment and from `.env`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRET_KEY_BYTES = 32


class Settings(BaseSettings):
    """Everything that can be set; each name is an environment variable in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = Field(
        "development", description="production refuses to make a SECRET_KEY of its own."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    data_dir: Path = Field(
        Path(".data"),
        description="Where the embedded PostgreSQL and a made SECRET_KEY live.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Signs tokens, 32 bytes or more; made and kept under DATA_DIR if absent.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe log line that is written."
    )

    database_url: str | None = Field(
        None,
        description="postgresql://user:password@host/database; embedded PostgreSQL if absent.",
    )
    database_pool_size: int = Field(10, ge=1, description="Connections that are kept open.")
    database_max_overflow: int = Field(
        10, ge=0, description="Connections opened beyond these under load."
    )
    database_pool_timeout: float = Field(
        2.0, gt=0, description="Seconds to wait for a connection before UNAVAILABLE."
    )

    access_token_expire_minutes: int = Field(30, ge=1, description="Life of an access token.")
    refresh_token_expire_days: int = Field(7, ge=1, description="Life of an unused session.")
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="Cost of a password hash (2^n).")

    backend_cors_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Origins of front ends, separated by commas; * for any.",
    )
    enable_compression: bool = Field(
        default=True, description="Whether answers may be sent as gzip."
    )
    compression_level: int = Field(5, ge=1, le=9, description="The effort that gzip makes.")
    max_body_bytes: int = Field(256 * 1024, ge=1024, description="The largest request body.")

    execution_engine: Literal["breadth-first", "graphql-core"] = Field(
        "breadth-first", description="What executes operations; both give the same answers."
    )

    @field_validator("backend_cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return [origin.strip() for origin in value.split(",") if origin.strip()]
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value().encode()) < SECRET_KEY_BYTES:
            raise ValueError(f"must have at least {SECRET_KEY_BYTES} bytes")
        return value

    @property
    def key(self) -> bytes:
        """The secret key's bytes; `LookupError` when there is none."""
        if self.secret_key is None:
            raise LookupError("SECRET_KEY is not set")
        return self.secret_key.get_secret_value().encode()
