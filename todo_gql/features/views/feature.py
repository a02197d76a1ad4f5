"""What saved views bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.views.access import VIEW_COLUMNS, visible_views
from todo_gql.features.views.loaders import named_things
from todo_gql.features.views.types import SavedView

VIEWS = Feature(
    name="views",
    tables=(Table(models.SavedView, owner="owner_id", is_large=False),),
    loaders=(named_things,),
    node_types=(
        NodeType(
            type=SavedView,
            scope=TokenScope.TODOS_READ,
            visible=visible_views,
            columns=VIEW_COLUMNS,
            make=lambda row, _context: SavedView.from_row(row),
        ),
    ),
)
