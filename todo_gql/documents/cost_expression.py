"""Amounts that are known when a document is read, or once its variables are there."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from graphql import (
    ArgumentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ValueNode,
    VariableNode,
)

Variables: TypeAlias = Mapping[str, Any]
"""The variables' values as a client sent them, with the defaults of those that it left out."""

Amount: TypeAlias = int | Callable[[Variables], int]
"""A number, or how to have it from the variables."""

# No list holds more; an argument that asks for more is refused when it is executed.
LONGEST = 100


def amount_of(amount: Amount, variables: Variables) -> int:
    """The number that an amount is with these variables."""
    return amount if isinstance(amount, int) else amount(variables)


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum of amounts."""
    known, open_ = 0, []
    for amount in amounts:
        if isinstance(amount, int):
            known += amount
        else:
            open_.append(amount)
    if not open_:
        return known
    return lambda variables: known + sum(amount(variables) for amount in open_)


def product(one: Amount, other: Amount) -> Amount:
    """One amount times another."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return lambda variables: amount_of(one, variables) * amount_of(other, variables)


def largest(amounts: Iterable[Amount]) -> Amount:
    """The largest of amounts; 0 of none."""
    known, open_ = 0, []
    for amount in amounts:
        if isinstance(amount, int):
            known = max(known, amount)
        else:
            open_.append(amount)
    if not open_:
        return known
    return lambda variables: max(known, *(amount(variables) for amount in open_))


def page_size(arguments: Iterable[ArgumentNode], default: int) -> Amount:
    """How many items `first` or `last` ask for."""
    asked = [_number(node.value) for node in arguments if node.name.value in {"first", "last"}]
    given = [number for number in asked if number is not None]
    if not given:
        return default
    if all(isinstance(number, int) for number in given):
        return largest(number for number in given if isinstance(number, int))

    def size(variables: Variables) -> int:
        values = [n if isinstance(n, int) else _page(variables.get(n)) for n in given]
        return max((value for value in values if value is not None), default=default)

    return size


def _page(value: object) -> int | None:
    return min(max(value, 0), LONGEST) if type(value) is int else None


def _number(node: ValueNode) -> int | str | None:
    """A page size, the name of the variable that holds it, or None for what is neither."""
    if isinstance(node, VariableNode):
        return node.name.value
    if isinstance(node, IntValueNode):
        # A number of thousands of digits is an error of its field.
        return _page(int(node.value)) if len(node.value) < LONGEST else LONGEST
    return None


def length(node: ValueNode) -> Amount:
    """How many items a list argument has."""
    if isinstance(node, VariableNode):
        name = node.name.value

        def of_variable(variables: Variables) -> int:
            value = variables.get(name)
            return min(len(value), LONGEST) if isinstance(value, list) else int(value is not None)

        return of_variable
    if isinstance(node, ListValueNode):
        return min(len(node.values), LONGEST)
    return 0 if isinstance(node, NullValueNode) else 1
