"""Texts that are as dear as may be to the functions that read what clients send."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from graphql import GraphQLEnumType, get_named_type

from tests.support.operations import (
    ROOTS,
    Call,
    Coordinate,
    Path,
    field_of,
    leaves,
    placed,
    required_arguments,
    root_fields,
)

SIZES = (4_000, 60_000, 250_000)
PARTS = {
    "combining marks": "a" + "\u0315\u0300\u0334" * 200,
    "as many marks as are allowed": "a" + "\u0315\u0300\u0334" * 9,
    "Hangul jamo": "\u1100\u1161\u11a8",
    "what stands for eighteen": "\ufdfa",
    "ligatures": "\ufb03\u0149",
    "joiners": "\u2800\u200d",
    "dotted capitals": "\u0130",
    "brackets": "[",
    "nested objects": '{"a":',
    "digits": "9",
    "wildcards": "%_\\",
    "a regex": "(a+)+$",
    "lone surrogates": "\ud800",
    "an address": "a.\u00fc@",
    "a URL": "https://[a:",
    "base64": "WyIi",
    "a moment": "2026-01-01T00:00:00." + "1" * 400,
    "white space": " \u3000",
    "nulls": "\0",
}


def texts(size: int) -> dict[str, str]:
    """The worst texts of so many bytes as JSON is usually written, by what they are."""
    found = {}
    for name, part in PARTS.items():
        width = len(part.encode("utf-8", "surrogatepass"))
        found[name] = (part * (size // width + 1))[: size * len(part) // width]
    return found


Place: TypeAlias = tuple[Coordinate, Path]
"""A root field, and the path to a scalar in one of its arguments."""


def places() -> Iterator[Place]:
    """Every scalar in the arguments of every root field of the schema."""
    for operation in ROOTS:
        for coordinate in root_fields(operation):
            for name, argument in field_of(coordinate).args.items():
                for path, leaf in leaves(name, argument.type):
                    if not isinstance(get_named_type(leaf), GraphQLEnumType):
                        yield coordinate, path


def request(place: Place, value: Any) -> dict[str, Any]:
    """The request in which a scalar is `value`, and all else is as it has to be."""
    coordinate, path = place
    field = field_of(coordinate)
    arguments = required_arguments(field)
    arguments[path[0]] = placed(field.args[path[0]].type, path[1:], value)
    return {"query": Call(coordinate, depth=0).document(arguments), "variables": arguments}
