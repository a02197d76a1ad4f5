"""Reading the same attributes of all objects of a level at once."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from todo_gql.execution.rows import IN_ROW, Read, Rows, RowType, row_type_of

Columns = list[Sequence[Any]]


def attributes_reader(names: Sequence[str]) -> Callable[[Sequence[Any]], Columns | None]:
    """What reads these attributes, a column each; None where they have to be read one by one."""
    readers: dict[RowType[Any], Read | None] = {}
    get = attrgetter(*names) if names else None

    def of_rows(
        row_type: RowType[Any], rows: Sequence[Any], given: tuple[Any, ...]
    ) -> Columns | None:
        if row_type not in readers:
            readers[row_type] = row_type.reader(names)
        read = readers[row_type]
        return None if read is None else read(rows, given)

    def read(sources: Sequence[Any]) -> Columns | None:
        if get is None:
            return None
        try:
            if isinstance(sources, Rows):
                return of_rows(sources.row_type, sources.rows, sources.given)
            if (row_type := _lazy_row_type(sources)) and (found := _in_rows(sources)):
                return of_rows(row_type, *found)
            if len(names) == 1:
                return [list(map(get, sources))]
            return list(zip(*map(get, sources), strict=True)) or [()] * len(names)
        except Exception:  # noqa: BLE001 - reading them one by one finds whose error it is
            return None

    return read


def _lazy_row_type(sources: Sequence[Any]) -> RowType[Any] | None:
    """The row type that all sources are lazy objects of, if there is one."""
    kinds = set(map(type, sources))
    return row_type_of(kinds.pop()) if len(kinds) == 1 else None


def _in_rows(sources: Sequence[Any]) -> tuple[Sequence[Any], tuple[Any, ...]] | None:
    """The rows of lazy objects and what was given with them all, if that is the same."""
    places = [vars(source)[IN_ROW] for source in sources]
    given = places[0][1]
    if any(other is not given and other != given for _, other in places):
        return None
    return [row for row, _ in places], given
