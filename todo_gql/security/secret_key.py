"""The secret key that a laptop makes for itself and keeps."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from todo_gql.settings import SECRET_KEY_BYTES, Settings

FILE_NAME = "secret_key"


class SecretKeyError(RuntimeError):
    """There is no SECRET_KEY to be had; the message says what a person should do."""


def with_secret(settings: Settings) -> Settings:
    """The settings with a secret key: their own, or the one kept under DATA_DIR, made if need be.

    In production none is made, since replicas would each make another one: SecretKeyError.
    """
    if settings.secret_key:
        return settings
    if settings.environment == "production":
        raise SecretKeyError(
            f"Set SECRET_KEY to {SECRET_KEY_BYTES} random bytes or more, the same for all replicas."
        )
    path = settings.data_dir.resolve() / FILE_NAME
    try:
        key = _kept(path)
    except OSError as error:
        raise SecretKeyError(
            f"The secret key can't be kept in {path}: {error.strerror}. See that this user may"
            " write there, set DATA_DIR to another folder, or set SECRET_KEY."
        ) from error
    if len(key) < SECRET_KEY_BYTES or not key.isascii():
        raise SecretKeyError(
            f"{path} is damaged. Restore it from a copy. Without one, remove it: a new key is made,"
            " but no password and no token made with the old one is good any more."
        )
    return settings.model_copy(update={"secret_key": SecretStr(key.decode())})


def secret_problem(settings: Settings) -> str | None:
    """Why there would be no secret key, as far as that can be told without making one."""
    if settings.secret_key or settings.environment != "production":
        path = settings.data_dir.resolve() / FILE_NAME
        if settings.secret_key or not path.exists():
            return None
    try:
        with_secret(settings)
    except SecretKeyError as error:
        return str(error)
    return None


def _kept(path: Path) -> bytes:
    """The key in the file, which is made whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(descriptor)
            # Who comes second takes the key of who came first.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    return path.read_bytes().strip()
