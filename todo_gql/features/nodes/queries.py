"""The fields node and nodes: objects of any type by id, with one statement for all ids."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.node import Node, parse_id
from todo_gql.database.connection import Row, fetch
from todo_gql.features.feature import NodeType
from todo_gql.features.registry import FEATURES
from todo_gql.operation.context import Context, Info
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership

MAX_IDS = 100
# The SQL of an access rule is the same for every viewer, whose id is its only value, or for everyone who
# shares lists with others.
ANY_VIEWER = Viewer(UUID(int=0), UUID(int=0), "", is_superuser=False)
ANY_MEMBER = replace(ANY_VIEWER, membership=Membership(is_member=True))


class NodeReader:
    """Reads the objects of one type from rows in which every type has columns of its own."""

    def __init__(self, node_type: NodeType) -> None:
        self.node_type = node_type
        self.name = node_type.type.__name__
        self.alias = node_type.columns[0].rpartition(".")[0]
        # An expression has its name behind AS, a column behind its table.
        names = [one.rpartition(" AS ")[2].rpartition(".")[2] for one in node_type.columns]
        self.columns = {name: f"{self.name}.{name}" for name in names}
        self.id_column = self.columns["id"]

    def join(self, viewer: Viewer) -> str:
        """SQL that joins the row of this type, if there is one that the viewer may see."""
        rule = self.node_type.visible(viewer)
        assert rule.values == [viewer.id], f"the rule of {self.name} has other values"
        columns = self.node_type.columns
        if viewer.is_member:
            columns = self.node_type.member_columns or columns
        text = rule.where(f"{self.alias}.id = requested.id").select(columns)
        return f'LEFT JOIN LATERAL ({text}) "{self.name}" ON true'

    def selected(self) -> list[str]:
        """The columns of the joined row, each with the type in its name."""
        return [f'"{self.name}".{name} AS "{key}"' for name, key in self.columns.items()]

    async def parse_json(self, rows: list[Row]) -> list[Row]:
        """The rows with this type's JSON columns parsed, if their texts are long together."""
        for column, parse in self.node_type.parsers.items():
            rows = await parse_json_column(rows, self.columns[column], parse)
        return rows

    async def redact(self, viewer: Viewer, rows: list[Any]) -> list[Any]:
        """The rows without what the viewer may not see of this type's objects."""
        if self.node_type.redact is None:
            return rows
        numbers = [n for n, row in enumerate(rows) if row[self.id_column] is not None]
        if not numbers:
            return rows
        rows = list(rows)
        redacted = await self.node_type.redact(viewer, [self._values(rows[n]) for n in numbers])
        for number, values in zip(numbers, redacted, strict=True):
            rows[number] = {**rows[number]} | {
                key: values[name] for name, key in self.columns.items()
            }
        return rows

    def _values(self, row: Row) -> dict[str, Any]:
        return {name: row[key] for name, key in self.columns.items()}

    def read(self, row: Row, context: Context) -> Node | None:
        """The object in a row; None if the id is of another type."""
        if row[self.id_column] is None:
            return None
        return self.node_type.make(self._values(row), context)


READERS = [NodeReader(node_type) for feature in FEATURES for node_type in feature.node_types]


def _statement(viewer: Viewer, readers: Iterable[NodeReader], requested: str) -> str:
    """The SQL for the objects that the viewer `$1` sees of the ids in a table expression `requested`."""
    selected = ", ".join(column for reader in readers for column in reader.selected())
    joins = " ".join(reader.join(viewer) for reader in readers)
    return f"SELECT {selected} FROM {requested} {joins}"


# Planning all these joins takes ten times as long as executing them. For a single id PostgreSQL keeps the
# plan; of an array's it expects ten ids, and finds a plan for fewer cheaper each time.
class Statements(NamedTuple):
    """The SQL for the object of one id, and for those of many."""

    one: str
    many: str

    @classmethod
    def of(cls, viewer: Viewer) -> "Statements":
        """Those of a viewer who stands for others."""
        many = "unnest($2::uuid[]) WITH ORDINALITY AS requested (id, position)"
        return cls(
            _statement(viewer, READERS, "(SELECT $2::uuid AS id) AS requested"),
            f"{_statement(viewer, READERS, many)} ORDER BY requested.position",
        )


OF_ANYBODY, OF_MEMBERS = Statements.of(ANY_VIEWER), Statements.of(ANY_MEMBER)


def _node(row: Row, context: Context) -> Node | None:
    nodes = (reader.read(row, context) for reader in READERS)
    return next((node for node in nodes if node is not None), None)


async def _nodes(context: Context, ids: Sequence[str]) -> list[Node | None]:
    viewer = context.signed_in()
    keys: list[UUID | None] = [parse_id(id) for id in ids]
    if not any(keys):
        return [None] * len(ids)
    statements = OF_MEMBERS if viewer.has_company else OF_ANYBODY
    rows = await (
        fetch(statements.one, viewer.id, keys[0])
        if len(keys) == 1
        else fetch(statements.many, viewer.id, keys)
    )
    for reader in READERS:
        rows = await reader.redact(viewer, await reader.parse_json(rows))
    return [_node(row, context) for row in rows]


@strawberry.type
class NodeQuery:
    """The query fields for anything with an id."""

    @strawberry.field(description="Anything of the viewer's by its id; null if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The thing's id.")],
    ) -> Node | None:
        [node] = await _nodes(info.context, [id])
        return node

    @strawberry.field(
        description="In the order of the ids; null where there is nothing. At most 100."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="0 to 100 ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_IDS:
            raise BadUserInput(f"Pass at most {MAX_IDS} ids, not {len(ids)}.")
        return await _nodes(info.context, ids)
