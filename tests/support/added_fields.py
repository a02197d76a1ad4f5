"""Fields of todos that the product doesn't have, for the tests in `features/todos/added_fields.py`.

A plugin of pytest, so that they are there before anything imports the schema. Of each there is what
whoever adds a field writes: the model's field, the column and the entry.
"""

from typing import Final

from tortoise.fields import BooleanField, CharField, IntField, SmallIntField

from todo_gql.database.models import Todo
from todo_gql.features.todos import fields
from todo_gql.features.todos.comparators import StringComparator, TodoPriorityComparator
from todo_gql.features.todos.enums import TodoPriority
from todo_gql.features.todos.field_types import Filter, StoredField
from todo_gql.features.todos.validators import enum_number, minutes, text, unchanged

Todo._meta.add_field("scratch_text", CharField(200, null=True))
Todo._meta.add_field("scratch_number", IntField(null=True))
Todo._meta.add_field("scratch_enum", SmallIntField(null=True))
Todo._meta.add_field("scratch_flag", BooleanField(default=False))

MIGRATION: Final = """
ALTER TABLE todos ADD COLUMN scratch_text VARCHAR(200), ADD COLUMN scratch_number INT,
    ADD COLUMN scratch_enum SMALLINT, ADD COLUMN scratch_flag BOOLEAN NOT NULL DEFAULT false
"""

fields.TODO_FIELDS += (
    StoredField(
        name="scratch_text",
        graphql_type=str | None,
        description="Up to 200 characters, trimmed.",
        validate=text(longest=200),
        create="Up to 200 characters after trimming.",
        update="Up to 200 characters after trimming.",
        filter=Filter(StringComparator, "By a text."),
        sort="Without regard to case.",
    ),
    StoredField(
        name="scratch_number",
        graphql_type=int | None,
        description="A number.",
        validate=minutes,
        create="0 or more.",
        update="0 or more.",
        set_all="Give them this number.",
        sort="From 0.",
    ),
    StoredField(
        name="scratch_enum",
        graphql_type=TodoPriority | None,
        description="A member of an enum.",
        validate=enum_number,
        create="A member of an enum.",
        update="A member of an enum.",
        filter=Filter(TodoPriorityComparator, "By an enum."),
    ),
    StoredField(
        name="scratch_flag",
        graphql_type=bool,
        description="True or false.",
        validate=unchanged,
        create="False if absent.",
        update="Can't be cleared.",
        filter=Filter(bool, "Whether it is true."),
        sort="False before true.",
        default=False,
    ),
)
