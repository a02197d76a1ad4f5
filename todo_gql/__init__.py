"""A TODO backend that speaks GraphQL over PostgreSQL."""

__version__: str


def __getattr__(name: str) -> str:
    if name == "__version__":
        # To find it out may take a look at git, which no import is to wait for.
        from todo_gql.observability.build_info import build  # noqa: PLC0415 - see above

        return build().version
    raise AttributeError(name)
