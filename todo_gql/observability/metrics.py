"""The definitions of all metrics; they are counted where the events happen."""

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from todo_gql.observability.request_record import RequestRecord

MAX_OPERATION_NAMES: Final = 100
TRANSPORTS: Final = ("event_stream", "websocket")
TYPES: Final = ("", "query", "mutation", "subscription")
OUTCOMES: Final = ("ok", "error")
ALERTING_CODES: Final = ("INTERNAL", "TIMEOUT", "UNAVAILABLE")
OTHER: Final = "other"
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT"})
ROUTES: Final = frozenset(
    {
        *("/", "/graphql", "/mcp", "/health", "/health/live", "/health/ready"),
        *("/account/verify", "/account/email", "/account/reset", "/unsubscribe"),
    }
)
# What follows is a secret.
FOLDERS: Final = ("/calendars/", "/files/")
FILE_OUTCOMES: Final = ("ready", "refused")
# The last bucket is longer than the time limit of an operation.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COSTS: Final = (1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)
PUSH_LAGS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)
WEBHOOK_OUTCOMES: Final = ("delivered", "failed", "given_up")
PUSH_OUTCOMES: Final = ("sent", "failed", "retried", "gone", "withdrawn")
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 250, 1_000)


class LimitedNames:
    """Labels by name: the first `limit` names, and `other` for all later ones."""

    def __init__(self, limit: int = MAX_OPERATION_NAMES) -> None:
        self.limit = limit
        self._seen: set[str] = set()

    def label(self, name: str) -> str:
        """The name, or `other`; the empty name doesn't count."""
        if name in self._seen or not name:
            return name
        if len(self._seen) >= self.limit:
            return OTHER
        self._seen.add(name)
        return name


class Metrics:
    """All metrics of a process. No label ever holds a user, an id or a client's text."""

    def __init__(self) -> None:
        self.operation_names = LimitedNames()
        self.requests = Counter(
            "todo_gql_http_requests", "HTTP requests answered.", ["method", "route", "status"]
        )
        self.operations = Histogram(
            "todo_gql_operation_duration_seconds",
            "Time from an operation's request to its answer.",
            ["operation", "type", "outcome"],
            buckets=SECONDS,
        )
        self.stream_operations = Counter(
            "todo_gql_stream_operations",
            "Operations on WebSockets and event streams that ended.",
            ["transport", "type", "outcome"],
        )
        # Counters that alerts compare must exist from the start: one that is missing makes the whole
        # comparison empty, and Prometheus sees no increase in a counter's first value.
        for labels in product(TRANSPORTS, TYPES, OUTCOMES):
            self.stream_operations.labels(*labels)
        self.requests.labels("POST", "/graphql", 200)
        self.errors = Counter(
            "todo_gql_errors", "Answers with a top-level error, by its code.", ["code"]
        )
        for code in ALERTING_CODES:
            self.errors.labels(code)
        self.cost = Histogram(
            "todo_gql_operation_cost", "What operations cost.", ["type"], buckets=COSTS
        )
        self.batches = Histogram(
            "todo_gql_loader_batch_size", "Keys in a loader's batch.", ["loader"], buckets=SIZES
        )
        self.documents = Counter(
            "todo_gql_document_cache_requests", "Documents looked up in the cache.", ["result"]
        )
        self.slow_operations = Counter(
            "todo_gql_slow_operations", "Operations slower than SLOW_OPERATION_MS."
        )
        self.pool_connections = Gauge(
            "todo_gql_database_pool_connections",
            "Connections to PostgreSQL by what they do.",
            ["state"],
            multiprocess_mode="livesum",
        )
        self.pool_limit = Gauge(
            "todo_gql_database_pool_limit",
            "Connections to PostgreSQL that may be opened.",
            multiprocess_mode="livesum",
        )
        self.pool_waiting = Gauge(
            "todo_gql_database_pool_waiting",
            "Tasks that wait for a connection to PostgreSQL.",
            multiprocess_mode="livesum",
        )
        self.loop_lag = Gauge(
            "todo_gql_event_loop_lag_seconds",
            "How late the event loop was with its last measurement; the worst process.",
            multiprocess_mode="livemax",
        )
        self.subscriptions = Gauge(
            "todo_gql_subscriptions", "Subscriptions that are open.", multiprocess_mode="livesum"
        )
        self.account_growth = Gauge(
            "todo_gql_account_growth_bytes_per_second_max",
            "How fast the stored bytes of the account grow that grows fastest.",
            multiprocess_mode="livemax",
        )
        self.account_bytes_limit = Gauge(
            "todo_gql_account_bytes_limit",
            "Bytes that an account may store; 0 where no jobs are done.",
            multiprocess_mode="livemax",
        )
        self.reminders_lag = Gauge(
            "todo_gql_reminders_lag_seconds",
            "How late the earliest reminder is that is due and hasn't fired; 0 where no jobs are done.",
            multiprocess_mode="livemax",
        )
        self.reminders_fired = Counter(
            "todo_gql_reminders_fired", "Reminders that were entered into inboxes."
        )
        self.reminders_skipped = Counter(
            "todo_gql_reminders_skipped", "Reminders that weren't sent, by the reason.", ["reason"]
        )
        self.jobs = Counter("todo_gql_jobs", "Background jobs that ended.", ["name", "outcome"])
        self.mails = Counter("todo_gql_mails", "Mails handed over.", ["kind", "outcome"])
        self.pushes = Counter(
            "todo_gql_pushes", "Push messages by what became of them.", ["kind", "outcome"]
        )
        self.push_lag = Histogram(
            "todo_gql_push_lag_seconds",
            "From when a push was due to when its push service accepted it.",
            buckets=PUSH_LAGS,
        )
        self.webhook_attempts = Counter(
            "todo_gql_webhook_attempts",
            "Attempts to deliver an event to a webhook, by what became of them.",
            ["outcome"],
        )
        self.files = Counter(
            "todo_gql_files", "Files that were uploaded and examined, by outcome.", ["outcome"]
        )
        for outcome in FILE_OUTCOMES:
            self.files.labels(outcome)
        self.webhooks_disabled = Counter(
            "todo_gql_webhooks_disabled", "Webhooks that were disabled, since deliveries failed."
        )
        self.webhook_lag = Gauge(
            "todo_gql_webhook_lag_seconds",
            "Age of the oldest change that wasn't read for a webhook whose endpoint answers; 0 where no jobs "
            "are done.",
            multiprocess_mode="livemax",
        )

        # Finding a child by its labels costs more than counting in it; the labels are bounded.
        self._request = lru_cache(None)(self.requests.labels)
        self._operation = lru_cache(None)(self.operations.labels)
        self._batch = lru_cache(None)(self.batches.labels)

    def expect_jobs(self, names: Iterable[str]) -> None:
        """Have the counters of a worker's kinds of jobs there from the start."""
        for name, outcome in product(names, ("done", "failed")):
            self.jobs.labels(name, outcome)

    def expect_mails(
        self, kinds: Iterable[str], outcomes: Iterable[str] = ("sent", "failed", "withheld")
    ) -> None:
        """Have the counters of some kinds of mail there from the start."""
        for kind, outcome in product(kinds, outcomes):
            self.mails.labels(kind, outcome)

    def expect_skipped_reminders(self, reasons: Iterable[str]) -> None:
        """Have the counters of why reminders aren't sent there from the start."""
        for reason in reasons:
            self.reminders_skipped.labels(reason)

    def expect_pushes(self, kinds: Iterable[str]) -> None:
        """Have the counters of all kinds of push there from the start."""
        for kind, outcome in product(kinds, PUSH_OUTCOMES):
            self.pushes.labels(kind, outcome)

    def expect_webhooks(self) -> None:
        """Have the counters of all outcomes of attempts there from the start."""
        for outcome in WEBHOOK_OUTCOMES:
            self.webhook_attempts.labels(outcome)

    def request_answered(
        self, record: RequestRecord, method: str, path: str, status: int | None, seconds: float
    ) -> None:
        """Count a request, and the operation that it was about."""
        self._request(
            method if method in METHODS else OTHER,
            path if path in ROUTES else _folder_of(path),
            status or "aborted",
        ).inc()
        self.operation_ended(record, seconds)

    def operation_ended(self, record: RequestRecord, seconds: float) -> None:
        """Count the operation that a request, or a message on a WebSocket, was about, if any."""
        outcome = "error" if record.error_codes else "ok"
        if record.transport:
            self.stream_operations.labels(record.transport, record.type, outcome).inc()
        for code in record.error_codes:
            self.errors.labels(code).inc()
        if record.operation is None or record.is_streaming:
            return
        name = self.operation_names.label(record.operation)
        self._operation(name, record.type, outcome).observe(seconds)
        if record.cost is not None:
            self.cost.labels(record.type).observe(record.cost)
        for loader, size in record.batches or ():
            self._batch(loader).observe(size)


@cache
def metrics() -> Metrics:
    """The metrics of this process, created at the first call."""
    disable_created_metrics()
    return Metrics()


def _folder_of(path: str) -> str:
    """The folder of a path that goes on with a secret; OTHER for any other one."""
    return next((folder for folder in FOLDERS if path.startswith(folder)), OTHER)
