"""What calendar feeds bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table

CALENDAR_FEEDS = Feature(
    name="calendar_feeds",
    tables=(Table(models.CalendarFeed, owner="owner_id", is_large=False),),
)
