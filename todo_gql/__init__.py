"""A TODO backend that speaks GraphQL over PostgreSQL."""

__version__ = "0.1.0"
