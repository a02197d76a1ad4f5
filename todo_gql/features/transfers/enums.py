"""The enums of jobs as the schema shows them; their values are those of the database."""

from enum import Enum
from typing import Final

import strawberry

from todo_gql.database import models


@strawberry.enum(description="How far a job has come.")
class JobState(Enum):
    """The model's states."""

    WAITING = strawberry.enum_value(
        models.JobState.WAITING.value,
        description="For its file, for its start, or for its turn.",
    )
    RUNNING = strawberry.enum_value(models.JobState.RUNNING.value, description="It is at work.")
    DONE = strawberry.enum_value(models.JobState.DONE.value, description="It has ended well.")
    FAILED = strawberry.enum_value(
        models.JobState.FAILED.value,
        description="It couldn't go on; what it had done by then stays.",
    )
    CANCELLED = strawberry.enum_value(
        models.JobState.CANCELLED.value,
        description="It was stopped by `jobCancel`; what it had done by then stays.",
    )


@strawberry.enum(description="What a file that is imported is written in.")
class ImportFormat(Enum):
    """The model's formats of files."""

    TODO_GQL = strawberry.enum_value(
        models.TransferFormat.TODO_GQL.value, description="An export of this program."
    )
    TODOIST = strawberry.enum_value(
        models.TransferFormat.TODOIST.value,
        description="Todoist: a project as CSV, or a backup as a zip archive of these.",
    )
    TASKWARRIOR = strawberry.enum_value(
        models.TransferFormat.TASKWARRIOR.value, description="What `task export` writes, as JSON."
    )
    TODO_TXT = strawberry.enum_value(
        models.TransferFormat.TODO_TXT.value, description="A todo.txt: a line for each todo."
    )
    VIKUNJA = strawberry.enum_value(
        models.TransferFormat.VIKUNJA.value,
        description="A user's export of Vikunja, a zip archive.",
    )
    MICROSOFT_TODO = strawberry.enum_value(
        models.TransferFormat.MICROSOFT_TODO.value,
        description="Lists or tasks of Microsoft To Do, as JSON of Microsoft Graph.",
    )
    GOOGLE_TASKS = strawberry.enum_value(
        models.TransferFormat.GOOGLE_TASKS.value,
        description="Google Tasks of Google Takeout, as JSON or in its zip archive.",
    )
    ICALENDAR = strawberry.enum_value(
        models.TransferFormat.ICALENDAR.value, description="iCalendar with VTODOs."
    )
    TICKTICK = strawberry.enum_value(
        models.TransferFormat.TICKTICK.value, description="A backup of TickTick, as CSV."
    )


STATES: Final = tuple(JobState)
FORMATS: Final = tuple(ImportFormat)
