"""An export of ours, small, with everything that one may have."""

import io
import json
import zipfile
from typing import Any

HEADER = {"type": "header", "format": "todo_gql", "version": 1, "content": "data"}
LIST, TODO, CHILD, FILE = (f"0193-{number:04}" for number in range(4))
LINES: list[dict[str, Any]] = [
    HEADER,
    {"type": "account", "username": "ada"},
    {"type": "list", "id": LIST, "name": "Garden", "color": "#ff8800", "description": "Of 1912",
     "archivedAt": "2026-01-01T00:00:00.000000Z", "sections": [{"id": "s1", "name": "Trees"}]},
    {"type": "list", "id": "gone", "name": "Gone", "deletedAt": "2026-01-01T00:00:00.000000Z"},
    {"type": "todo", "id": CHILD, "title": "Sharpen the saw", "parentId": TODO, "listId": LIST,
     "status": "COMPLETED", "completedAt": "2026-10-02T08:00:00.000000Z"},
    {"type": "todo", "id": TODO, "title": "Prune the apple tree", "description": "Not too much",
     "status": "IN_PROGRESS", "priority": "URGENT", "tags": ["garden", "winter"], "listId": LIST,
     "sectionId": "s1", "dueAt": "2026-12-01T08:00:00.000000Z", "dueTimeZone": "Europe/Paris",
     "startDate": "2026-11-01", "estimatedMinutes": 90, "metadata": {"tree": {"age": 30}},
     "recurrence": {"rule": "FREQ=YEARLY;COUNT=5", "mode": "SCHEDULE", "done": 2},
     "reminders": [{"id": "r1", "anchor": "DUE", "offset": "-PT1H"},
                   {"id": "r2", "anchor": "START", "offset": "P1D"},
                   {"id": "r3", "at": "2026-11-30T08:00:00.000000Z"}],
     "comments": [{"id": "c1", "author": "ada", "isOwn": True, "body": "Soon"},
                  {"id": "c2", "author": "ida", "body": "I have a ladder"}],
     "files": [{"id": FILE, "fileName": "tree.png", "contentType": "image/png",
                "commentId": "c1", "path": f"files/{FILE}/tree.png"}, {"id": "f2", "fileName": "b.png"}],
     "createdAt": "2026-10-01T08:00:00.123456Z", "assignee": "ida", "aNewKey": 1},
    {"type": "todo", "id": "trash", "title": "Gone", "deletedAt": "2026-10-01T08:00:00.000000Z"},
    {"type": "aNewType", "id": "1"},
    {"type": "savedView", "id": "v1", "name": "Mine"},
    {"type": "end", "counts": {"list": 2, "todo": 3, "aNewType": 1, "savedView": 1, "account": 1}},
]  # fmt: skip


def packed(
    lines: list[dict[str, Any]] | list[str], name: str = "todo_gql-export/data.jsonl"
) -> bytes:
    """The bytes of an export."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "\n".join(texts))
        archive.writestr(
            "todo_gql-export/history.jsonl", json.dumps({**HEADER, "content": "history"})
        )
        archive.writestr(f"todo_gql-export/files/{FILE}/tree.png", b"picture")
    return buffer.getvalue()
