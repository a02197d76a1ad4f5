"""The settings, read once from the environment and from `.env`."""

from todo_gql.settings.formats import SECRET_KEY_BYTES
from todo_gql.settings.model import Settings

__all__ = ["SECRET_KEY_BYTES", "Settings"]
