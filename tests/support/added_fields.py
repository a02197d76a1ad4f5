"""Fields of todos that the product doesn't have, for the tests in `features/todos/added_fields.py`.

A plugin of pytest, so that they are there before anything imports the schema. Of each there is what
whoever adds a field writes: the model's field, the column and the entry.
"""

from typing import Final

from tortoise.fields import CharField, IntField, SmallIntField

from todo_gql.database.models import Todo
from todo_gql.features.todos import fields
from todo_gql.features.todos.comparators import StringComparator, TodoPriorityComparator
from todo_gql.features.todos.enums import TodoPriority
from todo_gql.features.todos.fields import Filter, StoredField
from todo_gql.features.todos.validators import enum_number, minutes, text

Todo._meta.add_field("location", CharField(200, null=True))
Todo._meta.add_field("walk_minutes", IntField(null=True))
Todo._meta.add_field("energy", SmallIntField(null=True))

MIGRATION: Final = """
ALTER TABLE todos ADD COLUMN location VARCHAR(200), ADD COLUMN walk_minutes INT,
    ADD COLUMN energy SMALLINT
"""

fields.TODO_FIELDS += (
    StoredField(
        name="location",
        graphql_type=str | None,
        description="Where it is to be done; up to 200 characters, trimmed.",
        validate=text(longest=200),
        create="Up to 200 characters after trimming.",
        update="Up to 200 characters after trimming.",
        filter=Filter(StringComparator, "By location."),
        sort="Without regard to case.",
    ),
    StoredField(
        name="walk_minutes",
        graphql_type=int | None,
        description="Minutes that it is away.",
        validate=minutes,
        create="0 or more.",
        update="0 or more.",
        set_all="Give them this distance.",
        sort="The nearest first.",
    ),
    StoredField(
        name="energy",
        graphql_type=TodoPriority | None,
        description="How much energy it takes.",
        validate=enum_number,
        create="How much energy it takes.",
        update="How much energy it takes.",
        filter=Filter(TodoPriorityComparator, "By energy."),
    ),
)
