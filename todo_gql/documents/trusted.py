"""Trusted documents: clients send an id from a manifest that was generated at their build time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from graphql import GraphQLError, parse

from todo_gql.api.errors import APIError, Code
from todo_gql.settings import Settings

APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
# Optional prefix of an id that is a SHA-256 hash.
HASH_PREFIX: Final = "sha256:"

Parameters: TypeAlias = Mapping[str, Any]
"""The parameters of a GraphQL over HTTP request: `query`, `documentId`, `extensions` and others."""


class ManifestError(ValueError):
    """The manifest can't be read or is invalid; the message says why."""


class UntrustedDocument(APIError):
    """The server executes only trusted documents, and this isn't one."""

    code = Code.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "This server executes only trusted documents: send the id of one as documentId."
        )


class UnknownDocument(APIError):
    """No trusted document has this id."""

    code = Code.PERSISTED_QUERY_NOT_FOUND


class DocumentIdsNotSupported(APIError):
    """The server has no trusted documents."""

    code = Code.PERSISTED_QUERY_NOT_SUPPORTED


class TrustedDocuments:
    """The texts of trusted documents by id; `None` without a manifest. `only` rejects all others."""

    def __init__(self, texts: Mapping[str, str] | None, *, only: bool = False) -> None:
        self.texts = texts
        self.only = only

    @classmethod
    def of(cls, settings: Settings) -> "TrustedDocuments":
        """Load the manifest that TRUSTED_DOCUMENTS names; raises `ManifestError`."""
        path = settings.trusted_documents
        return cls(_read(path) if path else None, only=settings.trusted_documents_only)

    def text(self, parameters: Parameters) -> Any:
        """The document of a request: that with its id, or else its `query` parameter as it is.

        Raises `UnknownDocument`, `DocumentIdsNotSupported` or `UntrustedDocument`.
        """
        query = parameters.get("query")
        if self.texts is None and query:
            return query
        id_, is_apollo = _document_id(parameters)
        text = (self.texts or {}).get(id_.removeprefix(HASH_PREFIX)) if id_ else None
        if text is not None:
            return text
        if query or id_ is None:
            if self.only:
                raise UntrustedDocument
            return query
        if self.texts is None:
            raise DocumentIdsNotSupported(
                "PersistedQueryNotSupported"
                if is_apollo
                else "This server has no trusted documents: send the document itself as query."
            )
        raise UnknownDocument(
            "PersistedQueryNotFound"
            if is_apollo
            else "This server has no document with this id: send the document itself as query."
        )


def _document_id(parameters: Parameters) -> tuple[str | None, bool]:
    """The document id of a request, and whether it is an Apollo persisted query with its own errors."""
    extensions = parameters.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get("persistedQuery"), dict):
        hash_ = extensions["persistedQuery"].get("sha256Hash")
        if isinstance(hash_, str):
            return hash_, True
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
        plain_id = id_.removeprefix(HASH_PREFIX)
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
