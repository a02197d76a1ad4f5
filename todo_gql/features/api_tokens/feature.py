"""What API tokens bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table

API_TOKENS = Feature(
    name="api_tokens",
    tables=(Table(models.ApiToken, owner="owner_id", is_large=False),),
)
