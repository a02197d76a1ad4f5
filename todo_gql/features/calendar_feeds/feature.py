"""What calendar feeds bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.calendar_feeds.access import FEED_COLUMNS, visible_calendar_feeds
from todo_gql.features.calendar_feeds.types import CalendarFeed
from todo_gql.features.feature import Feature, NodeType, Table

CALENDAR_FEEDS = Feature(
    name="calendar_feeds",
    tables=(Table(models.CalendarFeed, owner="owner_id", is_large=False),),
    node_types=(
        NodeType(
            type=CalendarFeed,
            scope=TokenScope.TRANSFER,
            visible=visible_calendar_feeds,
            columns=FEED_COLUMNS,
            make=lambda row, _context: CalendarFeed.from_row(row),
        ),
    ),
)
