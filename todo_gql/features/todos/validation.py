"""Validation of the inputs of todos: turns them into an edit, and lists all problems at once."""

from typing import Any

from strawberry import UNSET

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.features.todos.dates import exclusive_problems
from todo_gql.features.todos.field_types import REQUIRED
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.inputs import TodoCreateInput, TodoUpdateInput
from todo_gql.features.todos.state import TodoEdit

Problems = list[UserError]

# For each field its name in the schema, its validator, and the value that null means.
VALIDATORS = {
    field.name: (field.graphql_name, field.validate, field.value_for_null)
    for field in stored_fields()
    if field.validate
}
UPDATABLE = [field.name for field in stored_fields() if field.update]


def _edit(sent: dict[str, Any], path: tuple[str, ...]) -> tuple[TodoEdit, Problems]:
    problems: Problems = []
    edit: TodoEdit = {}
    for name, value in sent.items():
        graphql_name, validate, value_for_null = VALIDATORS[name]
        if value is not None:
            edit[name] = validate(value, problems, *path, graphql_name)
        elif value_for_null is REQUIRED:
            message = f"{graphql_name} can't be null; leave it out to leave it unchanged."
            problems.append(invalid(ErrorCode.REQUIRED, message, *path, graphql_name))
        else:
            edit[name] = value_for_null
    return edit, problems


def read_create(sent: TodoCreateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values of a new todo, without its id, and their problems."""
    values = {
        name: value
        for name, value in vars(sent).items()
        if name in VALIDATORS and value is not UNSET and value is not None
    }
    edit, problems = _edit(values, path)
    return edit, problems + exclusive_problems(edit, *path)


def read_update(sent: TodoUpdateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values that an update changes, and their problems."""
    values = {name: some.value for name in UPDATABLE if (some := getattr(sent, name)) is not None}
    edit, problems = _edit(values, path)
    return edit, problems + exclusive_problems(edit, *path)
