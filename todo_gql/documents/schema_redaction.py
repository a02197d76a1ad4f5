"""Redaction of schema names in error messages, for servers without introspection.

Messages of graphql-core quote names and suggest similar ones, from which the schema could be guessed.
A name stays readable if the client itself sent it.
"""

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
# An identifier rather than an English word: it has a capital or an underscore inside.
_COMPOUND: Final = re.compile(r"\b(?=\w*[a-z0-9][A-Z]|\w*_|[A-Z]{2})[A-Za-z_]\w*")


def schema_names(schema: GraphQLSchema) -> frozenset[str]:
    """All names that a schema defines: of types, fields, arguments, enum values and directives."""
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
    """The document and variables that a client sent; searched only for names that a message has."""

    def __init__(self, text: str, variables: object) -> None:
        self.text = text
        self.variables = variables
        self._dumped: str | None = None
        self._cache: dict[str, bool] = {}

    def contains(self, name: str) -> bool:
        """Whether a name occurs, as a whole word."""
        is_sent = self._cache.get(name)
        if is_sent is None:
            if self._dumped is None:
                self._dumped = json.dumps(self.variables)
            # `in` is faster than the regular expression, and most names do not occur.
            is_sent = self._cache[name] = any(
                name in text and re.search(rf"(?<![_0-9A-Za-z]){name}(?![_0-9A-Za-z])", text)
                for text in (self.text, self._dumped)
            )
        return is_sent


class SchemaRedactor:
    """Redacts the names of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.names = schema_names(schema)

    def redact(self, message: str, sent: SentNames) -> str:
        """The message without suggestions, and with an ellipsis for each schema name not sent."""

        def hide(match: re.Match[str]) -> str:
            is_secret = match[0] in self.names and not sent.contains(match[0])
            return HIDDEN if is_secret else match[0]

        message = _SUGGESTION.sub("", message)
        message = _QUOTED.sub(lambda quoted: _NAME.sub(hide, quoted[0]), message)
        return _COMPOUND.sub(hide, message)
