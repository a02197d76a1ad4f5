"""How deep JSON may be nested."""

from typing import Any, Final

MAX_NESTING: Final = 32


def is_too_deep(text: bytes, value: Any) -> bool:
    """Whether the value of a JSON text is nested deeper than allowed."""
    # What stands in strings is counted along, so that only few values have to be looked at.
    if text.count(b"[") + text.count(b"{") <= MAX_NESTING:
        return False
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_NESTING):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)
