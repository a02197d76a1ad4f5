"""Who watches requests and operations: counts them, and tells of slow ones."""

from starlette.types import Scope

from todo_gql.http.monitoring.slow_operations import SlowOperations
from todo_gql.observability.metrics import Metrics
from todo_gql.observability.request_record import RequestRecord


class Observer:
    """Watches requests, for `metrics` and for the log of slow operations, where these are there.

    When one has ended, what its client sent is forgotten: a timer or a connection to PostgreSQL that
    was begun for it keeps what is known of it for as long as it lives.
    """

    def __init__(
        self, metrics: Metrics | None = None, slow_operations: SlowOperations | None = None
    ) -> None:
        self.metrics = metrics
        self.slow_operations = slow_operations

    def began(self, request_id: str) -> RequestRecord:
        """What is to be filled in for a request."""
        if self.slow_operations is None:
            return RequestRecord(request_id)
        return RequestRecord(request_id, statements=[])

    def ended(
        self, observation: RequestRecord, scope: Scope, status: int | None, seconds: float
    ) -> None:
        """Tell of a request that was answered, or given up where there is no status."""
        if self.metrics is not None:
            self.metrics.request_answered(
                observation, scope["method"], scope["path"], status, seconds
            )
        self._tell_if_slow(observation, seconds)
        observation.sensitive_values, observation.limit = (), None

    def operation_ended(self, observation: RequestRecord, seconds: float) -> None:
        """Tell of an operation on a WebSocket that has no more answers."""
        if self.metrics is not None:
            self.metrics.operation_ended(observation, seconds)
        self._tell_if_slow(observation, seconds)
        observation.sensitive_values, observation.limit = (), None

    def _tell_if_slow(self, observation: RequestRecord, seconds: float) -> None:
        slow = self.slow_operations
        if slow is None or observation.operation is None or observation.is_streaming:
            return
        if seconds >= slow.seconds:
            slow.tell(observation, seconds)
            if self.metrics is not None:
                self.metrics.slow_operations.inc()
