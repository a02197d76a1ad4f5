"""HTML forms and query strings, as browsers send them."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from todo_gql.http.graphql.request import BadRequest, check_content_type, check_length, read_body
from todo_gql.http.headers import headers_of

MAX_FORM_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 20


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form of ours.

    Raises BadRequest for a body that isn't a form, is too large, or comes from another site's page,
    and ClientDisconnect if the client disconnects before its end.
    """
    # A form needs only its token, no cookie: somebody with a token could let the visitors of their
    # own page use it up, or set a password with it.
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise BadRequest(403, "The form was sent by a page of another site.")
    headers = headers_of(request.scope)
    check_content_type(headers, "application/x-www-form-urlencoded")
    check_length(headers, MAX_FORM_BYTES)
    try:
        body = await read_body(request.receive, MAX_FORM_BYTES)
    except ConnectionResetError:
        raise ClientDisconnect from None
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise BadRequest(400, "The form must be percent-encoded UTF-8.") from None
    return dict(fields)


def read_link(request: Request) -> dict[str, str]:
    """The query parameters of a link of ours; raises BadRequest if they are too many or too long."""
    query: bytes = request.scope["query_string"]
    too_long = BadRequest(400, "The link is too long to be one of ours.")
    if len(query) > MAX_FORM_BYTES:
        raise too_long
    try:
        return dict(
            parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        )
    except ValueError:
        raise too_long from None
