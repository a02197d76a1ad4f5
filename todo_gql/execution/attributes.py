"""Reading attributes of all objects of a level at once."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

Columns = list[Sequence[Any]]


def attributes_reader(names: Sequence[str]) -> Callable[[Sequence[Any]], Columns | None]:
    """A function that reads these attributes of all objects, one column each.

    It returns None if there are no attributes, or if reading one raises an exception.
    """
    if not names:
        return lambda _sources: None
    get = attrgetter(*names)
    is_single = len(names) == 1

    def read(sources: Sequence[Any]) -> Columns | None:
        try:
            if len(sources) == 1:
                return [(get(sources[0]),)] if is_single else list(zip(get(sources[0])))
            if is_single:
                return [list(map(get, sources))]
            return list(zip(*map(get, sources), strict=True)) or [()] * len(names)
        except Exception:  # noqa: BLE001 - reading them one by one finds whose error it is
            return None

    return read
