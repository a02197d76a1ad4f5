"""The application by itself, for an ASGI server that is no part of this project."""

from todo_gql.app import create_app
from todo_gql.observability.logs import configure_logging
from todo_gql.settings import Settings

settings = Settings()
assert settings.database_url
configure_logging(settings.log_level)
app = create_app(settings, settings.database_url)
