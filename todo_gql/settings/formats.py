"""The formats of settings that are more than a number or a word; errors say what is expected."""

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

SECRET_KEY_BYTES = 32
# The order of the curve P-256 (NIST SP 800-186); a private key is a number from 1 to below it.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_KEY_BYTES = 32
HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
REDIS_SCHEMES = ("redis", "rediss", "unix", "valkey", "valkeys")


def _split(value: object) -> object:
    """The parts of a text that are separated by commas; anything else as it is."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _networks(value: object) -> object:
    parts = _split(value)
    try:
        return [ip_network(part) for part in parts] if isinstance(parts, list) else parts
    except ValueError:
        raise ValueError("must be networks like 10.0.0.0/8, separated by commas") from None


def _check_hosts(value: list[str]) -> list[str]:
    for part in value:
        try:
            ip_network(part)
        except ValueError:
            # What has digits and dots only is an address with a mistake.
            if not HOST_NAME.fullmatch(part) or re.fullmatch("[0-9.]+", part):
                raise ValueError(
                    "must be host names like hooks.intranet and networks like 10.0.0.0/8, separated"
                    " by commas"
                ) from None
    return value


def _check_vapid_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        key = b""
    if len(key) != P256_KEY_BYTES or not 0 < int.from_bytes(key, "big") < P256_ORDER:
        raise ValueError("must be a key that `todo-gql vapid-key` has printed")
    return value


def _check_secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().encode()) < SECRET_KEY_BYTES:
        raise ValueError(f"must have at least {SECRET_KEY_BYTES} bytes")
    return value


def _check_database_url(value: str) -> str:
    if not _is_url(value):
        raise ValueError(
            "must be like postgresql://user:password@host/database, with special characters in the password written like %2F"
        )
    return value


def _check_redis_url(value: SecretStr) -> SecretStr:
    if not _is_url(value.get_secret_value(), *REDIS_SCHEMES):
        raise ValueError(
            "must be like redis://user:password@host:6379/0 or rediss://…, with special characters in the password written like %2F"
        )
    return value


def _check_sentry_dsn(value: SecretStr) -> SecretStr:
    if not re.match("https?://[^@/]+@[^/]+/", value.get_secret_value()):
        raise ValueError("must be like https://key@host/project")
    return value


def _is_url(text: str, *schemes: str) -> bool:
    """Whether a text is such a URL, or any, whose password can't be taken for other parts of it."""
    try:
        parts = urlsplit(text)
        # PostgreSQL's may name several hosts, each with a port.
        several = "," in parts.netloc
        port = None if several else parts.port
    except ValueError:
        return False
    astray = "@" in parts.path or parts.fragment or (parts.query and "=" not in parts.query)
    has_scheme = parts.scheme in schemes if schemes else bool(parts.scheme)
    return has_scheme and not astray and port != 0


CommaSeparated: TypeAlias = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Networks: TypeAlias = Annotated[
    list[IPv4Network | IPv6Network], NoDecode, BeforeValidator(_networks)
]
Hosts: TypeAlias = Annotated[
    list[str], NoDecode, BeforeValidator(_split), AfterValidator(_check_hosts)
]
VapidKey: TypeAlias = Annotated[SecretStr, AfterValidator(_check_vapid_key)]
SecretKey: TypeAlias = Annotated[SecretStr, AfterValidator(_check_secret_key)]
DatabaseURL: TypeAlias = Annotated[str, AfterValidator(_check_database_url)]
RedisURL: TypeAlias = Annotated[SecretStr, AfterValidator(_check_redis_url)]
SentryDSN: TypeAlias = Annotated[SecretStr, AfterValidator(_check_sentry_dsn)]
