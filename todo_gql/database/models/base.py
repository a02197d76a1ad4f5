"""The base class of the tables."""

from tortoise import models
from tortoise.models import Model

__all__ = ["Model", "column_types"]

# Tortoise looks for comments on columns in the source of each model, and parses its whole module again for
# each of them, at every start of a program. There are no such comments (`#:`).
models._get_comments = lambda _: {}  # type: ignore[assignment]  # noqa: SLF001 - no setting


def column_types(model: type[Model]) -> dict[str, str]:
    """PostgreSQL's type of each column."""
    types = {
        field.source_field or name: str(field.get_for_dialect("postgres", "SQL_TYPE"))
        for name, field in model._meta.fields_map.items()
        if name in model._meta.fields_db_projection
    }
    for name in ("owner", "user"):
        if name in model._meta.fields_map:
            types[f"{name}_id"] = "UUID"
    return types
