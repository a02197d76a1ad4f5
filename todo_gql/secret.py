"""The secret key that a laptop makes for itself and keeps."""

import os
import secrets

from pydantic import SecretStr

from todo_gql.settings import Settings

FILE_NAME = "secret_key"


class MissingSecret(RuntimeError):
    """There is no SECRET_KEY and none may be made; the message says what to do."""


def with_secret(settings: Settings) -> Settings:
    """The settings with a secret key: their own, or the one kept under DATA_DIR, made if need be.

    In production none is made: replicas would each make another one.
    """
    if settings.secret_key:
        return settings
    if settings.environment == "production":
        raise MissingSecret("Set SECRET_KEY to 32 random bytes or more, the same for all replicas.")
    path = settings.data_dir / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Made under another name first: a start that is cut short leaves no half a key.
        draft = path.with_name(f".{FILE_NAME}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return settings.model_copy(update={"secret_key": SecretStr(path.read_text().strip())})
