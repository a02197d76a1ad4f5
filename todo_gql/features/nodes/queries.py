"""The fields node and nodes: objects of any type by id, with one statement for all ids."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.node import Node, parse_id
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Row, fetch
from todo_gql.features.feature import NodeType
from todo_gql.features.registry import FEATURES
from todo_gql.operation.context import Context, Info
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.security.authentication import Viewer
from todo_gql.security.grants import TokenGrant
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
        values = [viewer.id] if viewer.bound_list_ids is None else [viewer.id, []]
        assert rule.values == values, f"the rule of {self.name} has other values"
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
    """The SQL for the object of one id, and for those of many; the types that they read, in this order."""

    one: str
    many: str
    readers: Sequence[NodeReader]

    @classmethod
    def of(cls, viewer: Viewer, readers: Sequence[NodeReader]) -> "Statements":
        """Those of a viewer who stands for others with the same access to these types."""
        # The lists of a bound token come before the ids.
        ids = "$2" if viewer.bound_list_ids is None else "$3"
        many = f"unnest({ids}::uuid[]) WITH ORDINALITY AS requested (id, position)"
        return cls(
            _statement(viewer, readers, f"(SELECT {ids}::uuid AS id) AS requested"),
            f"{_statement(viewer, readers, many)} ORDER BY requested.position",
            readers,
        )


OF_ANYBODY, OF_MEMBERS = Statements.of(ANY_VIEWER, READERS), Statements.of(ANY_MEMBER, READERS)


@cache
def _of_tokens(scopes: frozenset[TokenScope], *, is_bound: bool, is_member: bool) -> Statements:
    """The statements of API tokens with these scopes."""
    readers = [
        reader
        for reader in READERS
        if reader.node_type.scope in scopes and (reader.node_type.in_lists or not is_bound)
    ]
    viewer = ANY_MEMBER if is_member else ANY_VIEWER
    grant = TokenGrant(scopes, frozenset() if is_bound else None)
    return Statements.of(replace(viewer, grant=grant), readers)


def _statements_of(viewer: Viewer) -> Statements:
    if viewer.grant is None:
        return OF_MEMBERS if viewer.has_company else OF_ANYBODY
    is_bound = viewer.grant.list_ids is not None
    return _of_tokens(viewer.grant.scopes, is_bound=is_bound, is_member=viewer.has_company)


def _node(readers: Iterable[NodeReader], row: Row, context: Context) -> Node | None:
    nodes = (reader.read(row, context) for reader in readers)
    return next((node for node in nodes if node is not None), None)


async def _nodes(context: Context, ids: Sequence[str]) -> list[Node | None]:
    viewer = context.signed_in()
    keys: list[UUID | None] = [parse_id(id) for id in ids]
    if not any(keys):
        return [None] * len(ids)
    statements = _statements_of(viewer)
    values: tuple[object, ...] = (viewer.id,)
    if viewer.bound_list_ids is not None:
        values = viewer.id, list(viewer.bound_list_ids)
    rows = await (
        fetch(statements.one, *values, keys[0])
        if len(keys) == 1
        else fetch(statements.many, *values, keys)
    )
    for reader in statements.readers:
        rows = await reader.redact(viewer, await reader.parse_json(rows))
    return [_node(statements.readers, row, context) for row in rows]


@strawberry.type
class NodeQuery:
    """The query fields for anything with an id."""

    @strawberry.field(
        description="Anything of the viewer's by its id; null if there is none.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The thing's id.")],
    ) -> Node | None:
        [node] = await _nodes(info.context, [id])
        return node

    @strawberry.field(
        description="In the order of the ids; null where there is nothing. At most 100.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="0 to 100 ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_IDS:
            raise BadUserInput(f"Pass at most {MAX_IDS} ids, not {len(ids)}.")
        return await _nodes(info.context, ids)
