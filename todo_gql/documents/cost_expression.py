"""Costs and sizes that are numbers, or functions of an operation's variables.

So a document is analyzed once, and only the part that depends on variables is evaluated per request.
"""

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
"""The variable values that a client sent, not coerced, with the defaults of those that it left out."""

Cost: TypeAlias = int | Callable[[Variables], int]
"""A number, or a function that computes it from the variables: of cost units, items or bytes."""

# The largest page and the longest list argument; longer ones are rejected during execution.
MAX_LIST_SIZE = 100


def evaluate(cost: Cost, variables: Variables) -> int:
    """The number that a cost is with these variables."""
    return cost if isinstance(cost, int) else cost(variables)


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of costs."""
    constant, functions = 0, []
    for cost in costs:
        if isinstance(cost, int):
            constant += cost
        else:
            functions.append(cost)
    if not functions:
        return constant
    return lambda variables: constant + sum(cost(variables) for cost in functions)


def product(one: Cost, other: Cost) -> Cost:
    """The product of two costs."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return lambda variables: evaluate(one, variables) * evaluate(other, variables)


def maximum(costs: Iterable[Cost]) -> Cost:
    """The maximum of costs; 0 if there are none."""
    constant, functions = 0, []
    for cost in costs:
        if isinstance(cost, int):
            constant = max(constant, cost)
        else:
            functions.append(cost)
    if not functions:
        return constant
    return lambda variables: max(constant, *(cost(variables) for cost in functions))


def slicing_size(arguments: Iterable[ArgumentNode], default: int) -> Cost:
    """The page size that `first` or `last` requests, between 0 and `MAX_LIST_SIZE`."""
    parsed = [
        _size_or_variable(node.value) for node in arguments if node.name.value in {"first", "last"}
    ]
    sizes = [size for size in parsed if size is not None]
    if not sizes:
        return default
    if all(isinstance(size, int) for size in sizes):
        return maximum(size for size in sizes if isinstance(size, int))

    def with_variables(variables: Variables) -> int:
        values = [
            size if isinstance(size, int) else _clamped(variables.get(size)) for size in sizes
        ]
        return max((value for value in values if value is not None), default=default)

    return with_variables


def _clamped(value: object) -> int | None:
    return min(max(value, 0), MAX_LIST_SIZE) if type(value) is int else None


def _size_or_variable(node: ValueNode) -> int | str | None:
    """A page size, the name of the variable that holds it, or None for an invalid value."""
    if isinstance(node, VariableNode):
        return node.name.value
    if isinstance(node, IntValueNode):
        # Python refuses to convert thousands of digits; the field reports such a number.
        return _clamped(int(node.value)) if len(node.value) < MAX_LIST_SIZE else MAX_LIST_SIZE
    return None


def list_size(node: ValueNode) -> Cost:
    """The number of items of a list argument, at most `MAX_LIST_SIZE`."""
    if isinstance(node, VariableNode):
        name = node.name.value

        def with_variables(variables: Variables) -> int:
            value = variables.get(name)
            return (
                min(len(value), MAX_LIST_SIZE)
                if isinstance(value, list)
                else int(value is not None)
            )

        return with_variables
    if isinstance(node, ListValueNode):
        return min(len(node.values), MAX_LIST_SIZE)
    return 0 if isinstance(node, NullValueNode) else 1
