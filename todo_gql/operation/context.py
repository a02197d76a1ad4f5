"""The context of one operation, passed to every resolver."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import strawberry

from todo_gql.api.errors import Unauthenticated
from todo_gql.operation.dataloader import ColumnDataLoader
from todo_gql.operation.event_cache import EventCache
from todo_gql.operation.loaders import BatchFunction, K, Loaders, V
from todo_gql.security.authentication import Viewer
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

SelectedFields: TypeAlias = dict[Any, frozenset[str]]
"""What `lookahead` has found in an operation, by what was looked for."""


class Context:
    """The viewer, time, client address and loaders of one operation, or of one event of it.

    `selected_fields` are those of the prepared operation, which outlives its executions.
    `viewer_time_zone` is the name of the viewer's zone, which a write sets that needs it.
    For an event of a subscription, `event_cache` returns the cache that all subscriptions of the
    owner share at the moment.
    """

    viewer_time_zone: str | None

    def __init__(
        self,
        settings: Settings,
        limits: RateLimits,
        viewer: Viewer | None,
        user_agent: str | None = None,
        ip_address: str | None = None,
        now: datetime | None = None,
        selected_fields: SelectedFields | None = None,
    ) -> None:
        self.settings = settings
        self.limits = limits
        self.viewer = viewer
        self.user_agent = user_agent
        self.ip_address = ip_address
        self.now = now or datetime.now(UTC)
        self.selected_fields: SelectedFields = {} if selected_fields is None else selected_fields
        self.event_cache: Callable[[], EventCache] | None = None
        self._loaders: Loaders | None = None

    def signed_in(self) -> Viewer:
        """The viewer; raises `Unauthenticated` if there is none."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer

    def switch_viewer(self, viewer: Viewer | None) -> None:
        """Run the rest of the operation as another viewer, after signing in or out."""
        self.viewer = viewer
        self.clear_loaders()

    @property
    def loaders(self) -> Loaders:
        """The viewer's loaders; raises `Unauthenticated` if there is no viewer."""
        if self._loaders is None:
            self._loaders = Loaders(self.signed_in(), self.now)
        return self._loaders

    def loader(self, load: BatchFunction[K, V]) -> ColumnDataLoader[K, V]:
        """The operation's loader with this batch function; `Unauthenticated` if there is no viewer."""
        return self.loaders.by(load)

    def begin_event(self, event_cache: Callable[[], EventCache]) -> None:
        """Begin the next event of a subscription."""
        self.event_cache = event_cache

    def use_event_loaders(self) -> None:
        """Use the shared loaders of the event, and their time; no effect outside subscriptions."""
        if self.event_cache:
            self._loaders = self.event_cache().loaders()
            self.now = self._loaders.now

    def clear_loaders(self) -> None:
        """Discard everything loaded, after a write that may have changed it."""
        self._loaders = None


def loader_of(load: BatchFunction[K, V]) -> Callable[[Context], ColumnDataLoader[K, V]]:
    """What gets the operation's loader with this batch function from the context."""
    return lambda context: context.loader(load)


Info: TypeAlias = strawberry.Info[Context, None]
