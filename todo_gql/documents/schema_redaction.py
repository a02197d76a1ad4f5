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


class SentNames:
    """What a client sent, in which names are looked up only once a message has them."""

    def __init__(self, text: str, variables: object) -> None:
        self.text = text
        self.variables = variables
        self._dumped: str | None = None
        self._known: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        """Whether a name stands in it as a whole."""
        known = self._known.get(name)
        if known is None:
            if self._dumped is None:
                self._dumped = json.dumps(self.variables)
            # Most names aren't there at all, which is soon found.
            known = self._known[name] = any(
                name in text and re.search(rf"(?<![_0-9A-Za-z]){name}(?![_0-9A-Za-z])", text)
                for text in (self.text, self._dumped)
            )
        return known


class Secrecy:
    """Leaves out of messages what only the schema could have told."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.names = names_of(schema)

    def kept(self, message: str, sent: SentNames) -> str:
        """The message with an ellipsis for each name of the schema that wasn't sent."""

        def hide(found: re.Match[str]) -> str:
            is_secret = found[0] in self.names and not sent.has(found[0])
            return HIDDEN if is_secret else found[0]

        message = _SUGGESTION.sub("", message)
        message = _QUOTED.sub(lambda quoted: _NAME.sub(hide, quoted[0]), message)
        return _COMPOUND.sub(hide, message)
