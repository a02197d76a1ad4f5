"""The engine, compared with graphql-core."""
