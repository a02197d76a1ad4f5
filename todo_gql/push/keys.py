"""The key pair by which push services know this server (VAPID, RFC 8292), on the curve P-256."""

import logging
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey
from pydantic import SecretStr, ValidationError

from todo_gql.security.base64url import decoded, encoded
from todo_gql.security.key_files import read_or_create
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

FILE_NAME: Final = "vapid_key"
CURVE: Final = "P-256"
KEY_BYTES: Final = 32
UNCOMPRESSED: Final = b"\x04"
"""The first byte of an uncompressed point (SEC 1, section 2.3.3)."""

# Names that only one network has (RFC 6761, RFC 6762): Apple answers them with 403 BadJwtToken.
UNREACHABLE_DOMAINS: Final = frozenset({"localhost", "local", "invalid", "test", "example"})


class PushKeyError(RuntimeError):
    """The stored key can't be used; the message says what the operator should do."""


def with_push_key(settings: Settings) -> Settings:
    """The settings with a VAPID key: their own, or that stored in DATA_DIR, generated if missing.

    In production they stay without one, where replicas would generate different keys, and so they do
    where the file can't be written: no pushes are sent then. Raises `PushKeyError` if it is damaged.
    """
    if settings.vapid_private_key or settings.environment == "production":
        return settings
    path = settings.data_dir.resolve() / FILE_NAME
    try:
        key = read_or_create(path, new_key).decode("ascii")
        # The format of the setting is that of the file.
        checked = Settings(_env_file=None, vapid_private_key=SecretStr(key))
    except OSError as error:
        logger.warning(
            "no pushes are sent: the VAPID key can't be stored in %s: %s", path, error.strerror
        )
        return settings
    except (UnicodeDecodeError, ValidationError):
        raise PushKeyError(
            f"{path} is damaged. Restore it from a backup, or delete it: a new key is created, and"
            " browsers have to subscribe to pushes anew."
        ) from None
    return settings.model_copy(update={"vapid_private_key": checked.vapid_private_key})


def push_problem(settings: Settings) -> str | None:
    """Why pushes could not be sent with these settings, in production; None if they can, or needn't."""
    if settings.environment == "production":
        if settings.vapid_private_key and not _is_reachable(settings.push_subject):
            return (
                "Set VAPID_SUBJECT to https://… or mailto:… at a public domain, or PUBLIC_URL to an"
                f" https URL there: push services refuse {settings.push_subject}."
            )
        return None
    if settings.vapid_private_key or not Path(settings.data_dir.resolve(), FILE_NAME).exists():
        return None
    try:
        with_push_key(settings)
    except PushKeyError as error:
        return str(error)
    return None


def _is_reachable(subject: str) -> bool:
    """Whether the host of an https or mailto URL is a name of the public internet, as far as it shows."""
    parts = urlsplit(subject)
    host = (parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname) or ""
    try:
        ip_address(host.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        labels = host.lower().rstrip(".").split(".")
        return len(labels) > 1 and labels[-1] not in UNREACHABLE_DOMAINS
    return False


def new_key() -> str:
    """A new private key, as VAPID_PRIVATE_KEY: 32 bytes in URL-safe base64."""
    return encoded(int(ECC.generate(curve=CURVE).d).to_bytes(KEY_BYTES, "big"))


class PushKey(NamedTuple):
    """The server's key pair; `public` is what browsers take for `applicationServerKey`.

    That is the uncompressed point in URL-safe base64, 87 characters.
    """

    private: EccKey
    public: str


def push_key(settings: Settings) -> PushKey | None:
    """The key pair; None where no pushes are sent."""
    key = settings.vapid_private_key
    return None if key is None else _key_pair(key.get_secret_value())


@lru_cache(maxsize=4)
def _key_pair(text: str) -> PushKey:
    private = ECC.construct(curve=CURVE, d=int.from_bytes(decoded(text), "big"))
    return PushKey(private, encoded(point(private)))


def point(key: EccKey) -> bytes:
    """The public key of a key as uncompressed point, 65 bytes (SEC 1, section 2.3.3)."""
    return key.public_key().export_key(format="raw")


def receiver_key(content: bytes) -> EccKey:
    """The key of an uncompressed point; raises `ValueError` for what is none of the curve."""
    # The library takes zeros for the point at infinity, which is no key (SEC 1, section 3.2.2).
    is_point = content.startswith(UNCOMPRESSED) and any(content[1:])
    if len(content) != 2 * KEY_BYTES + 1 or not is_point:
        raise ValueError("no uncompressed point")
    return ECC.import_key(content, curve_name=CURVE)
