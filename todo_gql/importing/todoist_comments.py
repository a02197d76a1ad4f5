"""Todoist's notes: text, with files and pages as JSON in double brackets."""

from dataclasses import dataclass
from typing import Final

import orjson

from todo_gql.importing.json_values import JSONObject, json_object, string

_START, _END = "[[file ", "}]]"
_MAX_FILES: Final = 20


@dataclass(frozen=True)
class Comment:
    """A note as Markdown, and the names of the files that it has."""

    body: str
    file_names: tuple[str, ...] = ()


def comment_of(text: str) -> Comment:
    """The note that a row's content is; what isn't understood of it stays as it is."""
    parts, names = list[str](), list[str]()
    rest = text
    for _ in range(_MAX_FILES):
        start = rest.find(_START)
        end = rest.find(_END, start)
        if start < 0 or end < 0:
            break
        try:
            file = json_object(orjson.loads(rest[start + len(_START) : end + 1]))
        except ValueError:
            break
        parts.append(rest[:start].strip())
        rest = rest[end + len(_END) :]
        parts.append(_link(file))
        if name := string(file.get("file_name")):
            names.append(name)
    parts.append(rest.strip())
    return Comment("\n\n".join(filter(None, parts)), tuple(names))


def _link(file: JSONObject) -> str:
    url = string(file.get("file_url")) or string(file.get("url"))
    name = string(file.get("file_name")) or string(file.get("title")) or url
    label = name.replace("[", "(").replace("]", ")")
    return f"[{label}](<{url}>)" if url.startswith(("https://", "http://")) else label
