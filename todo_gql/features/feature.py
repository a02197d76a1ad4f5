"""What a feature brings to the parts of the program that all features share.

Each feature declares it in its own `feature.py`; `features/registry.py` is the list of all of them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from tortoise.models import Model

from todo_gql.api.node import Node
from todo_gql.api.token_scopes import TokenScope
from todo_gql.database.select import SelectQuery
from todo_gql.jobs.worker import WorkerTasks
from todo_gql.operation.context import Context
from todo_gql.operation.loaders import BatchFunction
from todo_gql.security.access import Columns
from todo_gql.security.authentication import Viewer
from todo_gql.settings import Settings


class Table(NamedTuple):
    """The table of a model in `database/models`.

    `owner` is the column with the account that each row belongs to, None if rows belong to nobody.
    `is_large` if one account may have many rows: these are deleted in batches when the account is,
    in the order of the tables here, before ON DELETE CASCADE deletes all others.
    """

    model: type[Model]
    owner: str | None
    is_large: bool

    @property
    def name(self) -> str:
        """Its name in the database."""
        return str(self.model._meta.db_table)


BeforeDeletion: TypeAlias = Callable[[UUID, Settings], Awaitable[None]]
"""What a feature does before an account is deleted, by its id; it may be done again."""


class WorkerSetup(NamedTuple):
    """What a feature's tasks are made with: the settings, and what all features have for deleting accounts."""

    settings: Settings
    large_tables: Sequence[str]
    before_deletion: Sequence[BeforeDeletion] = ()


def no_tasks(_setup: WorkerSetup) -> WorkerTasks:
    """The tasks of a feature for which a worker does nothing."""
    return WorkerTasks()


Redact: TypeAlias = Callable[
    [Viewer, Sequence[Mapping[str, Any]]], Awaitable[Sequence[Mapping[str, Any]]]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of objects that `node` and `nodes` find by id.

    `visible` is the access rule: the query for the rows that a viewer may see, with the viewer's id
    as its only value. `columns` are those of its table, qualified; the table's key is `id`.
    `member_columns` are the same for those who are in lists of others, if they see something else. `make`
    turns a row into the object. `parsers` are for JSON columns that may be long. `redact` takes from rows what
    the viewer may not see of them. `scope` is what an API token needs for it, None for what sessions alone open;
    `in_lists` says that `visible` restricts it to the lists that a token is bound to, else such a token sees none.
    """

    type: type[Node]
    visible: Callable[[Viewer], SelectQuery]
    columns: Columns
    make: Callable[[Mapping[str, Any], Context], Node]
    member_columns: Columns | None = None
    parsers: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    redact: Redact | None = None
    scope: TokenScope | None
    in_lists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature; `name` is that of its folder.

    `tables` are those of its models, `loaders` its batch functions. `tasks` makes what a worker does
    for it: its jobs, its maintenance, such as deleting what has expired, and its periodic tasks.
    `before_deletion` is done before the rows of an account are deleted, for what they mean to others.
    """

    name: str
    tables: tuple[Table, ...] = ()
    loaders: tuple[BatchFunction[Any, Any], ...] = ()
    node_types: tuple[NodeType, ...] = ()
    tasks: Callable[[WorkerSetup], WorkerTasks] = no_tasks
    before_deletion: BeforeDeletion | None = None
