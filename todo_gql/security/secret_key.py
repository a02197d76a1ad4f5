"""The secret key that is generated and stored in development if none is set."""

import secrets

from pydantic import SecretStr

from todo_gql.security.key_files import read_or_create
from todo_gql.settings import SECRET_KEY_BYTES, Settings

FILE_NAME = "secret_key"


class SecretKeyError(RuntimeError):
    """There is no usable SECRET_KEY; the message says what the operator should do."""


def with_secret(settings: Settings) -> Settings:
    """The settings with a secret key: their own, or that stored in DATA_DIR, generated if missing.

    Raises `SecretKeyError` in production without one, where replicas would generate different keys,
    and if the file can't be written or is damaged.
    """
    if settings.secret_key:
        return settings
    if settings.environment == "production":
        raise SecretKeyError(
            f"Set SECRET_KEY to {SECRET_KEY_BYTES} random bytes or more, the same for all replicas."
        )
    path = settings.data_dir.resolve() / FILE_NAME
    try:
        key = read_or_create(path, lambda: secrets.token_urlsafe(48))
    except OSError as error:
        raise SecretKeyError(
            f"The secret key can't be stored in {path}: {error.strerror}. Check that this user may"
            " write there, set DATA_DIR to another folder, or set SECRET_KEY."
        ) from error
    if len(key) < SECRET_KEY_BYTES or not key.isascii():
        raise SecretKeyError(
            f"{path} is damaged. Restore it from a backup. Without one, delete it: a new key is"
            " created, but all passwords and tokens of the old one stop working."
        )
    return settings.model_copy(update={"secret_key": SecretStr(key.decode())})


def secret_problem(settings: Settings) -> str | None:
    """Why `with_secret` would fail, as far as it is known without generating a key; None if it wouldn't."""
    if settings.secret_key or settings.environment != "production":
        path = settings.data_dir.resolve() / FILE_NAME
        if settings.secret_key or not path.exists():
            return None
    try:
        with_secret(settings)
    except SecretKeyError as error:
        return str(error)
    return None
