"""The arguments of fields that return a connection (Relay Cursor Connections, section 4)."""

from typing import Annotated

import strawberry

First = Annotated[int | None, strawberry.argument(description="How many from the start: 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="Go on after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Come before this cursor.")]
FirstOrDefault = Annotated[
    int | None, strawberry.argument(description="How many: 1 to 100, 50 if absent.")
]
"""`First` for connections that are paged forward only."""
