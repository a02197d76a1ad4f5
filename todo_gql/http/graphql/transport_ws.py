"""Messages of the protocol graphql-transport-ws.

Follows https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from starlette.types import Message

from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.graphql.request import (
    BadRequest,
    GraphQLRequest,
    check_nesting,
    parse_json_of_any_depth,
    request_from_parameters,
)

PROTOCOL = "graphql-transport-ws"
MAX_ID_LENGTH = 200
MAX_REASON_BYTES = 123
# Whatever holds no operation: tokens have some hundred bytes, and the payload of a ping goes back.
MAX_CONTROL_BYTES = 8 * 1024


class CloseCode(IntEnum):
    """Why a WebSocket is closed.

    The client graphql-ws reconnects after TRY_AGAIN_LATER, FORBIDDEN and INITIALISATION_TIMEOUT, and
    takes all others as final.
    """

    TRY_AGAIN_LATER = 1013
    INTERNAL_ERROR = 4500
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class CloseConnection(Exception):
    """The connection has to be closed with a code and a reason of at most 123 bytes of UTF-8."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """A message that a client may send.

    `request` is the payload of a subscribe, or its error, which ends only the operation of this id.
    """

    type: str
    id: str = ""
    payload: dict[str, Any] | None = None
    request: GraphQLRequest | BadRequest | None = None


def parse_message(message: Message, trusted: TrustedDocuments) -> ClientMessage:
    """The message in a frame; raises CloseConnection if a client may not send it."""
    text = message.get("text")
    if text is None:
        raise CloseConnection(CloseCode.BAD_REQUEST, "Send text frames.")
    try:
        return _client_message(text.encode("utf-8", "surrogatepass"), trusted)
    except BadRequest as error:
        raise CloseConnection(CloseCode.BAD_REQUEST, str(error)) from None


def _client_message(data: bytes, trusted: TrustedDocuments) -> ClientMessage:
    content = parse_json_of_any_depth(data, "message")
    if not isinstance(content, dict):
        raise BadRequest(400, "A message must be a JSON object.")
    kind, payload = content.get("type"), content.get("payload")
    if kind != "subscribe" and len(data) > MAX_CONTROL_BYTES:
        longest = f"{MAX_CONTROL_BYTES:,} bytes"
        raise BadRequest(400, f"A message other than subscribe may have at most {longest}.")
    match kind:
        case "connection_init" | "ping" | "pong":
            if not isinstance(payload, dict | None):
                raise BadRequest(400, "The payload must be an object.")
            check_nesting(data, "payload", around=1)
            return ClientMessage(kind, payload=payload)
        case "subscribe":
            return ClientMessage(
                kind, _id(content.get("id")), request=_request(data, payload, trusted)
            )
        case "complete":
            return ClientMessage(kind, _id(content.get("id")))
    raise BadRequest(400, "The type must be that of a message that clients send.")


def _request(
    data: bytes, payload: object, trusted: TrustedDocuments
) -> GraphQLRequest | BadRequest:
    try:
        check_nesting(data, "payload", around=1)
        return request_from_parameters(payload, trusted, len(data))
    except BadRequest as error:
        return error


def _id(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_LENGTH:
        raise BadRequest(400, f"The id must be a string of 1 to {MAX_ID_LENGTH} characters.")
    return value
