"""An export of Vikunja, small, with everything that one may have."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

NONE = "0001-01-01T00:00:00Z"
PROJECTS: list[dict[str, Any]] = [
    {"id": 1, "title": "Inbox", "is_archived": False, "owner": {"username": "ada"}, "tasks": [
        {"id": 1, "title": "Water the ferns", "description": "<p>Not <strong>too</strong> much</p>",
         "done": False, "done_at": NONE, "due_date": "2026-12-01T08:00:00Z", "start_date": NONE,
         "end_date": "2026-12-01T09:00:00Z", "repeat_after": 604800, "repeat_mode": 0, "priority": 3,
         "labels": [{"id": 1, "title": "garden"}, {"id": 2, "title": "weekly"}], "percent_done": 0.5,
         "reminders": [
             {"reminder": "2026-12-01T07:00:00Z", "relative_period": -3600, "relative_to": "due_date"},
             {"reminder": "2026-11-30T07:00:00Z", "relative_period": 0, "relative_to": ""}],
         "assignees": [{"username": "ida"}], "created": "2026-10-01T08:00:00Z", "bucket_id": 1,
         "related_tasks": {"related": [{"id": 9, "title": "Buy ferns"}]}},
        {"id": 2, "title": "Paint", "done": True, "done_at": "2026-10-02T08:00:00Z", "due_date": NONE,
         "related_tasks": {"subtask": [{"id": 3}]}, "priority": 0,
         "attachments": [{"id": 5, "file": {"id": 7, "name": "colours.txt", "mime": "text/plain"}},
                         {"id": 6, "file": {"id": 8, "name": "lost.txt"}}]},
    ], "buckets": [{"id": 1, "title": "Backlog"}]},
    {"id": 4, "title": "House", "parent_project_id": 1, "hex_color": "FF8800", "is_archived": True,
     "description": "", "buckets": [{"id": 2, "title": "To do"}, {"id": 3, "title": "Doing"}], "tasks": [
        {"id": 3, "title": "Choose colours", "due_date": "2026-12-01T08:00:00Z", "repeat_after": 86400,
         "repeat_mode": 2, "bucket_id": 3, "comments": [
             {"id": 1, "comment": "<p>Green</p>", "author": {"username": "ida", "name": "Ida"},
              "created": "2026-10-01T08:00:00Z"}]},
        {"id": 4, "title": "Hourly", "due_date": "2026-12-01T08:00:00Z", "repeat_after": 3600},
    ]},
    {"id": 5, "title": "Empty", "tasks": None, "buckets": None},
]  # fmt: skip


def export(
    projects: object = PROJECTS, version: str = "0.24.6", files: Mapping[str, str] = {}
) -> bytes:  # never changed
    """The bytes of an export."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(projects))
        archive.writestr("VERSION", version)
        archive.writestr("files/7", "green")
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
