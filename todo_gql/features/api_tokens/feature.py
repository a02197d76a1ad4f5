"""What API tokens bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.api_tokens.access import TOKEN_COLUMNS, visible_api_tokens
from todo_gql.features.api_tokens.types import ApiToken
from todo_gql.features.feature import Feature, NodeType, Table

API_TOKENS = Feature(
    name="api_tokens",
    tables=(Table(models.ApiToken, owner="owner_id", is_large=False),),
    node_types=(
        NodeType(
            type=ApiToken,
            scope=None,
            visible=visible_api_tokens,
            columns=TOKEN_COLUMNS,
            make=lambda row, _context: ApiToken.from_row(row),
        ),
    ),
)
