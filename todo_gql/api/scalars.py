"""The scalars of the schema."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson
import strawberry
from graphql import (
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)
from strawberry.types.scalar import ScalarDefinition

from todo_gql.api.durations import Duration
from todo_gql.api.time_zones import TimeZoneName, time_zone_names

RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)

FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# More digits of a second than any clock has.
MAX_TIME_LENGTH = 140

FULL = "2026-01-31T09:30:00.000000Z"
MAX_CACHED_LENGTH = 32 * 1024
ARE_MOMENTS, ZONE = frozenset({datetime}).issuperset, attrgetter("tzinfo")

# asyncpg stores the first and the last moment that Python knows as infinities.
INFINITIES = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def serialize_time(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def serialize_times(moments: Sequence[datetime]) -> list[str] | None:
    """As `serialize_time` for each, but faster; None unless all are `datetime` objects in UTC."""
    if not moments:
        return []
    if not ARE_MOMENTS(map(type, moments)) or set(map(ZONE, moments)) != {UTC}:
        return None
    written = orjson.dumps(moments, option=orjson.OPT_UTC_Z)
    texts = written.decode()[2:-2].split('","')
    if len(written) == len(moments) * len(f'"{FULL}",') + 1:
        return texts
    # orjson leaves a fraction of zero out.
    return [text if len(text) == len(FULL) else f"{text[:-1]}.000000Z" for text in texts]


def parse_rfc3339(value: object) -> datetime:
    """Parse an RFC 3339 timestamp with offset, truncated to microseconds; raises `GraphQLError`."""
    is_short = isinstance(value, str) and len(value) <= MAX_TIME_LENGTH
    parts = RFC3339.fullmatch(str(value)) if is_short else None
    if parts is None:
        raise GraphQLError(
            "Write a DateTime as RFC 3339 with an offset, such as 2026-01-31T09:30:00Z."
        )
    day, time, fraction, offset = parts.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{offset.upper()}")
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None or in_utc in INFINITIES:
        raise GraphQLError("This date or time does not exist.")
    return in_utc


def parse_full_date(value: object) -> date:
    """Parse an RFC 3339 full-date; raises `GraphQLError`."""
    if not isinstance(value, str) or not FULL_DATE.fullmatch(value):
        raise GraphQLError("Write a Date as RFC 3339, such as 2026-01-31.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise GraphQLError("This date does not exist.") from None


def parse_time_zone(value: object) -> TimeZoneName:
    """The name of a zone of the IANA database, as it is written there; raises `GraphQLError`."""
    if not isinstance(value, str) or value not in time_zone_names():
        raise GraphQLError(
            "Write a TimeZone as a name of the IANA database, such as Europe/Berlin."
        )
    return TimeZoneName(value)


def parse_duration(value: object) -> Duration:
    """The duration that ISO 8601 writes so; raises `GraphQLError`."""
    try:
        return Duration.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise GraphQLError(str(error)) from None


def parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    """A JSON value written in the document itself; `GraphQLError` when it is nested too deeply."""
    try:
        return _json_value(node, variables or {})
    except RecursionError:
        raise GraphQLError("This JSON value is nested too deeply.") from None


def _json_value(node: ValueNode, variables: dict[str, Any]) -> object:
    """As GraphQL has it for input objects and lists (sections 3.10 and 3.11).

    A key whose variable has no value isn't there; in a list null stands for it.
    """
    if isinstance(node, VariableNode):
        return variables.get(node.name.value, Undefined)
    if isinstance(node, ListValueNode):
        items = [_json_value(item, variables) for item in node.values]
        return [None if item is Undefined else item for item in items]
    if isinstance(node, ObjectValueNode):
        fields = ((one.name.value, _json_value(one.value, variables)) for one in node.fields)
        return {name: value for name, value in fields if value is not Undefined}
    return value_from_ast_untyped(node)


def json_fragment(text: str) -> orjson.Fragment:
    """Stored JSON as a fragment that orjson inserts into the response unchanged.

    It is parsed and serialized once, since PostgreSQL writes 1e300 with all of its zeros.
    """
    return (_cached_fragment if len(text) <= MAX_CACHED_LENGTH else _cached_fragment.__wrapped__)(
        text
    )


def metadata_fragment(metadata: "str | orjson.Fragment") -> orjson.Fragment:
    """As `json_fragment`, of metadata that may be a fragment already."""
    return metadata if type(metadata) is orjson.Fragment else json_fragment(metadata)  # type: ignore[arg-type]


def diff_entries(diff: str) -> list[dict[str, Any]]:
    """The entries of a stored diff; long values are fragments, which need far less memory."""
    entries: list[dict[str, Any]] = orjson.loads(diff)
    for entry in entries:
        for side in ("before", "after"):
            if type(entry[side]) is dict:
                entry[side] = orjson.Fragment(orjson.dumps(entry[side]))
    return entries


@lru_cache(256)
def _cached_fragment(text: str) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(orjson.loads(text)))


DateTime = strawberry.scalar(
    name="DateTime",
    description="An RFC 3339 timestamp with offset, in UTC when the server writes it, "
    "to the microsecond.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=serialize_time,
    parse_value=parse_rfc3339,
)

Date = strawberry.scalar(
    name="Date",
    description="A calendar day, RFC 3339 full-date, such as 2027-01-31.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=date.isoformat,
    parse_value=parse_full_date,
)

TimeZone = strawberry.scalar(
    name="TimeZone",
    description="A time zone of the IANA database, such as Europe/Berlin.",
    serialize=str,
    parse_value=parse_time_zone,
)

DurationScalar = strawberry.scalar(
    name="Duration",
    description="An ISO 8601 duration of weeks, days, hours, minutes and seconds with an optional sign, "
    "such as -P1DT12H; weeks and days move the wall clock, the others the instant.",
    serialize=str,
    parse_value=parse_duration,
)

JSON = strawberry.scalar(
    name="JSON",
    description="An arbitrary JSON value.",
    serialize=lambda value: value,
    parse_value=lambda value: value,
    parse_literal=parse_json_literal,
)

SERIALIZERS = {"DateTime": serialize_times}
SCALARS: dict[object, ScalarDefinition] = {
    datetime: DateTime,
    date: Date,
    TimeZoneName: TimeZone,
    Duration: DurationScalar,
    strawberry.scalars.JSON: JSON,
}
