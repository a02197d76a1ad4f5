"""What lists and sections bring to the parts of the program that all features share."""

from functools import partial

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table, WorkerSetup
from todo_gql.features.lists.trash import purge_lists
from todo_gql.features.todos.list_access import (
    LIST_COLUMNS,
    MEMBER_LIST_COLUMNS,
    SECTION_COLUMNS,
    visible_lists,
    visible_sections,
)
from todo_gql.features.todos.list_loaders import (
    counts_by_list,
    lists_by_id,
    sections_by_id,
    sections_by_list_id,
    todo_pages_by_list,
)
from todo_gql.features.todos.types import Section, TodoList
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for lists; those for their todos come first."""
    purge = partial(purge_lists, setup.settings.trash_retention_days)
    return WorkerTasks(maintenance=[MaintenanceStep.deleting("lists of the trash", purge)])


LISTS = Feature(
    name="lists",
    tables=(
        Table(models.TodoList, owner="owner_id", is_large=False),
        Table(models.Section, owner="owner_id", is_large=False),
        Table(models.ListTag, owner="owner_id", is_large=False),
    ),
    loaders=(lists_by_id, sections_by_id, sections_by_list_id, todo_pages_by_list, counts_by_list),
    node_types=(
        NodeType(
            type=TodoList,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_lists,
            columns=LIST_COLUMNS,
            member_columns=MEMBER_LIST_COLUMNS,
            make=lambda row, _context: TodoList.from_row(row),
        ),
        NodeType(
            type=Section,
            scope=TokenScope.TODOS_READ,
            in_lists=True,
            visible=visible_sections,
            columns=SECTION_COLUMNS,
            make=lambda row, _context: Section.from_row(row),
        ),
    ),
    tasks=tasks,
)
