"""The settings and their defaults; `docs/settings.md` is made from their descriptions."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from todo_gql.settings.formats import (
    CommaSeparated,
    DatabaseURL,
    Hosts,
    Networks,
    RedisURL,
    SecretKey,
    SentryDSN,
    VapidKey,
)
from todo_gql.settings.storage import StorageSettings

LAST_PORT = 65_535


class Settings(StorageSettings):
    """Everything that can be set; each name is an environment variable in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        # Some editors begin a file with a mark that would become a part of the first name.
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # What is refused may be a secret.
        hide_input_in_errors=True,
    )

    environment: Literal["development", "production"] = Field(
        "development",
        description="`production` requires a SECRET_KEY, hides the schema, and requires HTTPS.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port to listen on; 0 selects a free one."
    )
    data_dir: Path = Field(
        Path(".data"),
        description="The folder of the embedded PostgreSQL, of generated keys, and of files.",
    )
    secret_key: SecretKey | None = Field(
        None,
        description="Signs tokens; 32 bytes or more, the same for all replicas. Generated under"
        " DATA_DIR if absent.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="`DEBUG`, `INFO`, `WARNING` or `ERROR`; JSON lines, plain in a terminal.",
    )

    database_url: DatabaseURL | None = Field(
        None,
        description="`postgresql://user:password@host/database`, PostgreSQL 15 to 18 in UTF-8; the "
        "embedded one if absent and installed.",
    )
    database_pool_size: int = Field(10, ge=1, description="Connections that stay open.")
    database_max_overflow: int = Field(
        10, ge=0, description="Connections opened beyond these under load."
    )
    database_pool_timeout: float = Field(
        2.0, gt=0, description="Seconds to wait for a connection before UNAVAILABLE."
    )
    database_connections_per_caller: int = Field(
        3, ge=1, description="The most connections that one user, or else address, uses at a time."
    )

    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="The address at which people reach this server; links in mails begin with it.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="`smtp://user:password@host:587` with STARTTLS (`?tls=off` without), or "
        "`smtps://…`; without it mails go to `DATA_DIR/outbox`, and their links to the "
        "log, but not in production.",
    )
    mail_from: str | None = Field(
        None,
        pattern=r"^[^\s@<>]+@[^\s@<>]+$",
        description="The address that mails come from; no-reply at PUBLIC_URL's host if absent.",
    )
    mail_retry_seconds: float = Field(
        15,
        gt=0,
        description="Wait before a job is tried again, three times as long each time, 8 tries, all "
        "of them while a mail's link is good.",
    )
    mails_per_hour: int = Field(
        3,
        ge=1,
        description="Mails with a link of a kind per account and hour; a reset beyond these once "
        "half of the last link's life is over.",
    )
    mails_per_recipient: int = Field(
        5,
        ge=1,
        description="Mails with a link to one recipient and hour, of all accounts; notices to an "
        "address that isn't proven likewise, all others are always sent.",
    )
    email_link_expire_hours: int = Field(
        48, ge=1, description="Lifetime of a link that confirms an address."
    )
    password_reset_expire_minutes: int = Field(
        30, ge=1, description="Lifetime of a link that sets a new password."
    )
    vapid_private_key: VapidKey | None = Field(
        None,
        description="Signs push messages, the same for all replicas; `todo-gql vapid-key` makes one."
        " Generated under DATA_DIR if absent, but not in production, where no pushes are sent then."
        " Browsers have to subscribe anew after a change.",
    )
    vapid_subject: str | None = Field(
        None,
        pattern=r"^(https://[^\s/?#@]+[^\s#]*|mailto:[^\s@<>?]+@[^\s@<>?]+)$",
        description="Where push services reach the operator, `https://…` or `mailto:…`; PUBLIC_URL if"
        " absent and https.",
    )
    webhook_allowed_hosts: Hosts = Field(
        default_factory=list,
        description="Hosts and networks of your own, such as `hooks.intranet` or `10.0.0.0/8`, that URLs"
        " of users may lead to; all others must have public addresses.",
    )
    account_deletion_grace_days: int = Field(
        30, ge=0, description="How long a deleted account can be restored by signing in."
    )
    trash_retention_days: int = Field(
        30, ge=0, description="How long a todo stays in the trash; 0 for no limit."
    )
    changes_retention_days: int | None = Field(
        None,
        ge=1,
        description="How long the change log is kept, and with it the ids of purged todos; for ever"
        " if absent.",
    )

    notifications_retention_days: int = Field(
        90, ge=0, description="How long archived notifications are kept; 0 for no limit."
    )

    account_todos: int = Field(
        100_000, ge=1, description="The most todos of an account, those in the trash included."
    )
    account_bytes: int = Field(
        2**30, ge=1024, description="The most bytes of an account's todos and change log."
    )

    redis_url: RedisURL | None = Field(
        None,
        description="`redis://…` or `rediss://…`, Redis or Valkey: replicas share limits, and wake "
        "each other's subscribers; without it each counts alone, and PostgreSQL's "
        "notifications wake.",
    )
    redis_pool_size: int = Field(10, ge=2, description="The most connections to Redis or Valkey.")
    connections_per_user: int = Field(
        5, ge=1, description="The most WebSockets of one user at a time."
    )
    subscriptions_per_connection: int = Field(
        20, ge=1, description="Operations on a WebSocket at a time, and event streams of one user."
    )
    socket_messages_per_second: int = Field(
        50, ge=0, description="Frames on a WebSocket, pings among them; 0 for no limit."
    )
    socket_message_burst: int = Field(
        200, ge=10, description="Frames that a WebSocket may send at once after a pause."
    )

    workers: int = Field(
        1, ge=1, le=64, description="Processes that answer requests, each with a pool of its own."
    )
    max_requests: int = Field(
        0, ge=0, description="Requests after which a process is replaced by a new one; 0 for never."
    )
    shutdown_delay: float = Field(
        0.0,
        ge=0,
        le=8,
        description="Seconds during which a stopping server still serves, but is not ready; at most 8.",
    )

    prometheus_enabled: bool = Field(
        default=False, description="Whether /metrics is served, on a port of its own."
    )
    metrics_host: str | None = Field(
        None, description="The address that /metrics is served on; HOST if absent."
    )
    metrics_port: int = Field(
        9090, ge=0, le=65535, description="The port of /metrics; 0 selects a free one."
    )
    worker_metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="The port of /metrics of `todo-gql worker`; METRICS_PORT + 1 if absent.",
    )
    slow_operation_ms: int = Field(
        1000,
        ge=0,
        description="Operations that take this long are logged with their query plans; 0 for none.",
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="The endpoint for traces by OTLP over HTTP, such as http://host:4318.",
    )
    sentry_dsn: SentryDSN | None = Field(
        None, description="The Sentry DSN for reports of unexpected errors."
    )

    access_token_expire_minutes: int = Field(30, ge=1, description="Lifetime of an access token.")
    viewer_cache_seconds: float = Field(
        3,
        ge=0,
        le=5,
        description="How long a session is cached, in seconds, at most 5; its end in the same process acts at once.",
    )
    refresh_token_expire_days: int = Field(
        7, ge=1, description="Lifetime of a session that isn't used."
    )
    rate_limit_period: int = Field(60, ge=1, description="Seconds that the rate limits look back.")
    rate_limit_credentials: int = Field(
        5,
        ge=0,
        description="Tries of a credential per account, network and period, ten times as many per "
        "account from all networks; 0 for no limit.",
    )
    rate_limit_credentials_per_address: int = Field(
        30,
        ge=0,
        description="The same per address, and `tokenRefresh` per session; 0 for no limit.",
    )
    rate_limit_requests: int = Field(
        1000, ge=0, description="Requests per user, or address, and period; 0 for no limit."
    )
    rate_limit_cost: int = Field(
        50_000,
        ge=0,
        description="Cost of operations per user, or address, and period, and of events; 0 for none.",
    )
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="Cost of a password hash (2^n).")

    backend_cors_origins: CommaSeparated = Field(
        default_factory=list,
        description="Origins of front ends, separated by commas; `*` for any.",
    )
    enable_compression: bool = Field(
        default=True, description="Whether responses may be compressed with gzip."
    )
    compression_level: int = Field(5, ge=1, le=9, description="gzip's compression level.")
    trusted_proxies: Networks = Field(
        default_factory=lambda: [ip_network("127.0.0.0/8"), ip_network("::1/128")],
        description="Networks of proxies whose X-Forwarded-For is trusted, separated by commas.",
    )
    max_body_bytes: int = Field(
        256 * 1024,
        ge=1024,
        description="The largest request body, and the largest WebSocket message.",
    )
    max_answer_bytes: int = Field(
        8 * 1024 * 1024,
        ge=64 * 1024,
        description="The largest response, in bytes of JSON; a larger one becomes an error.",
    )
    max_connections: int = Field(
        4096,
        ge=1,
        description="The most connections of a process; above it, idle ones are closed, or 503 is answered.",
    )
    head_cache_size: int = Field(
        1024,
        ge=0,
        description="Heads of requests, with their tokens, that a process keeps in memory so as not to"
        " parse them again; 0 for none.",
    )
    request_timeout: float = Field(
        10.0, gt=0, description="Seconds for a request's headers to arrive, and for its body."
    )

    max_document_length: int = Field(
        32 * 1024, ge=1024, description="Characters of a document; variables don't count."
    )
    max_tokens: int = Field(
        1000, ge=50, description="Tokens of a document: names, values and punctuation."
    )
    max_depth: int = Field(12, ge=3, description="The deepest nesting of an operation.")
    max_aliases: int = Field(30, ge=0, description="Aliases in an operation.")
    max_root_fields: int = Field(20, ge=1, description="Root fields of a query.")
    max_mutations: int = Field(10, ge=1, description="Mutations in an operation.")
    max_cost: int = Field(5000, ge=100, description="The highest cost of an operation, in objects.")
    introspection: bool | None = Field(
        None, description="Whether introspection is allowed; only in development if absent."
    )
    graphiql: bool | None = Field(
        None, description="Whether GraphiQL is served; only in development if absent."
    )
    trusted_documents: Path | None = Field(
        None, description="The file of trusted documents, which clients request by their ids."
    )
    trusted_documents_only: bool = Field(
        default=False, description="Whether all other documents are rejected."
    )

    execution_engine: Literal["breadth-first", "graphql-core"] = Field(
        "breadth-first",
        description="The engine that executes operations; `graphql-core` returns the same responses, slower.",
    )

    @model_validator(mode="after")
    def _only_what_there_is(self) -> Self:
        wrong = []
        if self.trusted_documents_only and self.trusted_documents is None:
            wrong.append("TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS")
        if 0 < self.rate_limit_cost < self.max_cost:
            wrong.append("RATE_LIMIT_COST must be at least MAX_COST, or 0")
        is_on_one_host = self.metrics_host in (None, self.host)
        if self.prometheus_enabled and is_on_one_host and 0 != self.port == self.metrics_port:
            wrong.append("METRICS_PORT must differ from PORT")
        if problem := self.storage_problem():
            wrong.append(problem)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def has_introspection(self) -> bool:
        """Whether the schema can be asked for."""
        return self._in_development(self.introspection)

    @property
    def gzip_level(self) -> int | None:
        """The effort that gzip makes; None where nothing is compressed."""
        return self.compression_level if self.enable_compression else None

    @property
    def has_graphiql(self) -> bool:
        """Whether GraphiQL is served."""
        return self._in_development(self.graphiql)

    def _in_development(self, value: bool | None) -> bool:
        return self.environment == "development" if value is None else value

    @property
    def port_of_worker_metrics(self) -> int:
        """The port of a worker's /metrics, beside that of a server with the same settings."""
        if self.worker_metrics_port is not None:
            return self.worker_metrics_port
        # After 0, which is any free one, comes 0, and after the last one the one before it.
        return {0: 0, LAST_PORT: LAST_PORT - 1}.get(self.metrics_port, self.metrics_port + 1)

    @property
    def base_url(self) -> str:
        """What links in mails begin with: PUBLIC_URL, or this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def sender(self) -> str:
        """The address that mails come from."""
        host = urlsplit(self.public_url or "//localhost").hostname or "localhost"
        return self.mail_from or f"no-reply@{f'[IPv6:{host}]' if ':' in host else host}"

    @property
    def push_subject(self) -> str:
        """Where push services reach the operator: an https or mailto URL (RFC 8292, section 2.1)."""
        if self.vapid_subject:
            return self.vapid_subject
        return self.base_url if self.base_url.startswith("https://") else f"mailto:{self.sender}"

    @property
    def key(self) -> bytes:
        """The secret key's bytes; `LookupError` when there is none."""
        if self.secret_key is None:
            raise LookupError("SECRET_KEY is not set")
        return self.secret_key.get_secret_value().encode()
