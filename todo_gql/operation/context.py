"""What every resolver of one operation shares."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import strawberry

from todo_gql.api.errors import Unauthenticated
from todo_gql.operation.event_cache import Shared
from todo_gql.operation.loaders import Loaders
from todo_gql.security.authentication import Viewer
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings


class Context:
    """One operation, or one event of it: who asks, when, from where, and what was loaded.

    Of an event `share` gives what it shares with others of its owner at the moment.
    """

    def __init__(
        self,
        settings: Settings,
        limits: RateLimits,
        viewer: Viewer | None,
        user_agent: str | None = None,
        ip_address: str | None = None,
        now: datetime | None = None,
    ) -> None:
        self.settings = settings
        self.limits = limits
        self.viewer = viewer
        self.user_agent = user_agent
        self.ip_address = ip_address
        self.now = now or datetime.now(UTC)
        self.share: Callable[[], Shared] | None = None
        self._loaders: Loaders | None = None

    def signed_in(self) -> Viewer:
        """The viewer; `Unauthenticated` when there is none."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer

    def act_as(self, viewer: Viewer | None) -> None:
        """Let the rest of the operation be somebody else's, who has just signed in or out."""
        self.viewer = viewer
        self.forget_loaded()

    @property
    def loaders(self) -> Loaders:
        """The viewer's loaders; `Unauthenticated` when there is no viewer."""
        if self._loaders is None:
            self._loaders = Loaders(self.signed_in(), self.now)
        return self._loaders

    def begin_event(self, share: Callable[[], Shared]) -> None:
        """Let what follows be the next event of a subscription."""
        self.share = share

    def load_anew(self) -> None:
        """Let the event be told with what is loaded from now on, or was just before."""
        if self.share:
            self._loaders = self.share().loaders()
            self.now = self._loaders.now

    def forget_loaded(self) -> None:
        """Drop what was loaded, after a write that may have changed it."""
        self._loaders = None


Info: TypeAlias = strawberry.Info[Context, None]
