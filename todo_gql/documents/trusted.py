"""Documents that clients ask for by their ids, from a manifest that was written with the client."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from graphql import GraphQLError, parse

from todo_gql.api.errors import APIError, Code
from todo_gql.settings import Settings

APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
# What names a hash where an id says how it was made; with it and without it is the same id.
HASHED: Final = "sha256:"

Parameters: TypeAlias = Mapping[str, Any]
"""The parameters of a GraphQL request."""


class ManifestError(ValueError):
    """The manifest can't be used, with what is wrong with it."""


class UntrustedDocument(APIError):
    """Only trusted documents are executed, and this is none."""

    code = Code.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "This server executes only the documents that it was given: send one's id as"
            " documentId."
        )


class UnknownDocument(APIError):
    """There is no document with the id."""

    code = Code.PERSISTED_QUERY_NOT_FOUND


class NoDocuments(APIError):
    """There are no documents with ids at all."""

    code = Code.PERSISTED_QUERY_NOT_SUPPORTED


class TrustedDocuments:
    """The texts of documents by their ids; with `only`, nothing else is executed."""

    def __init__(self, texts: Mapping[str, str] | None, *, only: bool = False) -> None:
        self.texts = texts
        self.only = only

    @classmethod
    def of(cls, settings: Settings) -> "TrustedDocuments":
        """Those of TRUSTED_DOCUMENTS; `ManifestError` when it can't be read."""
        path = settings.trusted_documents
        return cls(_read(path) if path else None, only=settings.trusted_documents_only)

    def text(self, parameters: Parameters) -> Any:
        """The document that a request asks for: by its id, or else what it holds as query.

        Raises `UnknownDocument`, `NoDocuments` or `UntrustedDocument`.
        """
        query = parameters.get("query")
        if self.texts is None and query:
            return query
        id_, in_words_of_clients = _id_of(parameters)
        text = (self.texts or {}).get(id_.removeprefix(HASHED)) if id_ else None
        if text is not None:
            return text
        if query or id_ is None:
            if self.only:
                raise UntrustedDocument
            return query
        if self.texts is None:
            raise NoDocuments(
                "PersistedQueryNotSupported"
                if in_words_of_clients
                else "This server knows no documents by ids: send the document itself as query."
            )
        raise UnknownDocument(
            "PersistedQueryNotFound"
            if in_words_of_clients
            else "This server knows no document with this id."
        )


def _id_of(parameters: Parameters) -> tuple[str | None, bool]:
    """The id that a request names, and whether it does so in Apollo's way, with its own errors."""
    extensions = parameters.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get("persistedQuery"), dict):
        given = extensions["persistedQuery"].get("sha256Hash")
        if isinstance(given, str):
            return given, True
    for name in ("documentId", "doc_id", "id"):
        if isinstance(parameters.get(name), str):
            return parameters[name], False
    return None, False


def _read(path: Path) -> dict[str, str]:
    try:
        manifest = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ManifestError(f"{path} can't be read: {error.strerror}.") from None
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"{path} isn't JSON: {error}.") from None
    if not isinstance(manifest, dict):
        raise ManifestError(f"{path} must hold an object of documents by their ids.")
    texts: dict[str, str] = {}
    for id_, text in _entries(manifest, path):
        if not isinstance(id_, str) or not isinstance(text, str):
            raise ManifestError(f"{path}: each document must have an id and be a text.")
        try:
            parse(text, no_location=True)
        except GraphQLError as error:
            raise ManifestError(f"{path}: the document {id_} has a {error.message}") from None
        plain_id = id_.removeprefix(HASHED)
        if texts.setdefault(plain_id, text) != text:
            raise ManifestError(f"{path}: the id {plain_id} stands for two documents.")
    return texts


def _entries(manifest: dict[str, Any], path: Path) -> Iterator[tuple[Any, Any]]:
    """The ids and texts of the manifests that graphql-codegen, Relay and Apollo write."""
    if manifest.get("format") != APOLLO_FORMAT:
        yield from manifest.items()
        return
    operations = manifest.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise ManifestError(f"{path}: operations must be a list of objects.")
    for one in operations:
        yield one.get("id"), one.get("body")
