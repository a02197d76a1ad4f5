"""What a feature brings to the parts of the program that all features share.

Each feature declares it in its own `feature.py`; `features/registry.py` is the list of all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from todo_gql.api.node import Node
from todo_gql.database.select import SelectQuery
from todo_gql.operation.context import Context
from todo_gql.security.access import Columns
from todo_gql.security.authentication import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of objects that `node` and `nodes` find by id.

    `visible` is the access rule: the query for the rows that a viewer may see, with the viewer's id
    as its only value. `columns` are those of its table, qualified; the table's key is `id`. `make`
    turns a row into the object. `parsers` are for JSON columns that may be long.
    """

    type: type[Node]
    visible: Callable[[Viewer], SelectQuery]
    columns: Columns
    make: Callable[[Mapping[str, Any], Context], Node]
    parsers: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature; `name` is that of its folder."""

    name: str
    node_types: tuple[NodeType, ...] = ()
