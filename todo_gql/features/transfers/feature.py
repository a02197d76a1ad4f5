"""What imports and exports bring to the parts of the program that all features share."""

from todo_gql.database import models
from todo_gql.features.feature import Feature, Table

TRANSFERS = Feature(
    name="transfers",
    tables=(
        Table(models.ImportProblem, owner="owner_id", is_large=True),
        Table(models.ImportedItem, owner="owner_id", is_large=True),
        Table(models.TransferJob, owner="owner_id", is_large=False),
    ),
)
