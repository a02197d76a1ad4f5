"""URL-safe base64 without padding (RFC 4648, section 5)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encoded(content: bytes) -> str:
    """URL-safe base64 without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The bytes of URL-safe base64, with padding or without; raises `ValueError` for anything else."""
    if not text.isascii():
        raise ValueError("not base64")
    stripped = text.rstrip("=")
    content = urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    # Characters that aren't of the alphabet are skipped by Python.
    if encoded(content) != stripped:
        raise ValueError("not URL-safe base64")
    return content
