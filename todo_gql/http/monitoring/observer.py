"""The observer of requests and operations: counts them, and logs slow ones."""

from starlette.types import Scope

from todo_gql.http.monitoring.slow_operations import SlowOperations
from todo_gql.observability.metrics import Metrics
from todo_gql.observability.request_record import RequestRecord


class Observer:
    """Observes requests for `metrics` and the log of slow operations; each may be None.

    The client's values are removed from the record when a request ends: a timer or a connection to
    PostgreSQL that was created during it may hold the record for long afterwards.
    """

    def __init__(
        self, metrics: Metrics | None = None, slow_operations: SlowOperations | None = None
    ) -> None:
        self.metrics = metrics
        self.slow_operations = slow_operations

    def began(self, request_id: str) -> RequestRecord:
        """The record to fill in for a request that began."""
        if self.slow_operations is None:
            return RequestRecord(request_id)
        return RequestRecord(request_id, statements=[])

    def ended(
        self, record: RequestRecord, scope: Scope, status: int | None, seconds: float
    ) -> None:
        """Record a request that has ended; the status is None if the client disconnected before."""
        if self.metrics is not None:
            self.metrics.request_answered(record, scope["method"], scope["path"], status, seconds)
        slow = self.slow_operations
        if slow is not None and seconds >= slow.seconds:
            self._log_slow(slow, record, seconds)
        record.sensitive_values, record.limit = (), None

    def operation_ended(self, record: RequestRecord, seconds: float) -> None:
        """Record an operation on a WebSocket that has ended."""
        if self.metrics is not None:
            self.metrics.operation_ended(record, seconds)
        slow = self.slow_operations
        if slow is not None and seconds >= slow.seconds:
            self._log_slow(slow, record, seconds)
        record.sensitive_values, record.limit = (), None

    def _log_slow(self, slow: SlowOperations, record: RequestRecord, seconds: float) -> None:
        if record.operation is None or record.is_streaming:
            return
        slow.log(record, seconds)
        if self.metrics is not None:
            self.metrics.slow_operations.inc()
