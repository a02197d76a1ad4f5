"""Columns with blanks: nulls and errors are dealt with, and only the rest is completed."""

from collections.abc import Sequence
from typing import Any

from graphql import Undefined

from todo_gql.execution.columns import Column, Kinds, has_blanks, kinds_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.paths import Places, SomePlaces
from todo_gql.execution.plan import Complete, PlannedField


def blanks_apart(complete: Complete, *, nullable: bool) -> Complete:
    """Have only real values completed; nulls and exceptions are dealt with here."""

    def complete_values(
        execution: Execution, field: PlannedField, values: Column, kinds: Kinds, places: Places
    ) -> Sequence[Any]:
        if not has_blanks(kinds):
            return complete(execution, field, values, kinds, places)
        picks = []
        for index, value in enumerate(values):
            if isinstance(value, Exception):
                execution.fail(value, field, places, index)
            elif value is not None and value is not Undefined:
                picks.append(index)
            elif not nullable:
                execution.fail(_null_error(field), field, places, index)
        return complete_some(complete, execution, field, values, places, picks)

    return complete_values


def _null_error(field: PlannedField) -> TypeError:
    name = f"{field.parent_type}.{field.field_name}"
    return TypeError(f"Cannot return null for non-nullable field {name}.")


def complete_some(
    complete: Complete,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    places: Places,
    picks: list[int],
    **options: Any,
) -> Column:
    """The column with the picked values completed, and null in all other places."""
    completed: Column = [None] * len(values)
    if not picks:
        return completed
    picked = [values[index] for index in picks]
    some = SomePlaces(places, picks)
    done = complete(execution, field, picked, kinds_of(picked), some, **options)
    for index, value in zip(picks, done, strict=True):
        completed[index] = value
    return completed
