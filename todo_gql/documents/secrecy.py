"""Keeps the names of the schema out of messages to clients that didn't send them."""

import json
import re
from typing import Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    is_specified_directive,
    specified_scalar_types,
)

HIDDEN: Final = "…"
_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_QUOTED: Final = re.compile(r"'[^']*'")
_SUGGESTION: Final = re.compile(r" Did you mean .*\?$", re.DOTALL)
# Told apart from words of a sentence by a capital or an underscore inside.
_COMPOUND: Final = re.compile(r"\b(?=\w*[a-z0-9][A-Z]|\w*_|[A-Z]{2})[A-Za-z_]\w*")


def names_of(schema: GraphQLSchema) -> frozenset[str]:
    """Every name that a schema has, without those that GraphQL itself gives every schema."""
    names = {name for name in schema.type_map if not name.startswith("__")}
    for type_ in schema.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            names |= set(type_.fields)
            names |= {argument for field in type_.fields.values() for argument in field.args}
        elif isinstance(type_, GraphQLInputObjectType):
            names |= set(type_.fields)
        elif isinstance(type_, GraphQLEnumType):
            names |= set(type_.values)
    names |= {one.name for one in schema.directives if not is_specified_directive(one)}
    return frozenset(names - set(specified_scalar_types))


class Secrecy:
    """Leaves out of messages what only the schema could have told."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.names = names_of(schema)

    def names_in(self, text: str, variables: object) -> set[str]:
        """The names that a client sent."""
        return set(_NAME.findall(text)) | set(_NAME.findall(json.dumps(variables)))

    def kept(self, message: str, sent: set[str]) -> str:
        """The message with an ellipsis for each name that isn't in `sent`."""
        secret = self.names - sent

        def hide(found: re.Match[str]) -> str:
            return HIDDEN if found[0] in secret else found[0]

        message = _SUGGESTION.sub("", message)
        message = _QUOTED.sub(lambda quoted: _NAME.sub(hide, quoted[0]), message)
        return _COMPOUND.sub(hide, message)
