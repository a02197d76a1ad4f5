"""The signed links under which this server itself takes and gives files of a local store."""

import hmac
from dataclasses import dataclass
from typing import Any, Final

import orjson

from todo_gql.security.base64url import decoded, encoded

FILES_PATH: Final = "/files/"
"""What the paths of all links begin with; the rest is a token, and a secret."""

MAX_TOKEN_LENGTH: Final = 4_096
UPLOAD: Final = "upload"
DOWNLOAD: Final = "download"


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Leave to store one file: its key, size in bytes, SHA-256 in hexadecimal, and type; until a Unix time."""

    key: str
    size: int
    sha256: str
    content_type: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """Leave to read one file, under a name and a type of the server's choice, until a Unix time."""

    key: str
    file_name: str
    content_type: str
    inline: bool
    expires_at: int


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Makes tokens of links, and reads those that were made with the same key."""

    key: bytes

    def token(self, link: UploadLink | DownloadLink) -> str:
        """The token of a link, in characters that every URL may have."""
        kind = UPLOAD if isinstance(link, UploadLink) else DOWNLOAD
        content = orjson.dumps([kind, *(getattr(link, name) for name in link.__slots__)])
        return f"{encoded(content)}.{encoded(self._signature(content))}"

    def upload(self, token: str) -> UploadLink | None:
        """The upload that a token allows, expired or not; None unless it was signed for one."""
        values = self._values(token, UPLOAD)
        return None if values is None else UploadLink(*values)

    def download(self, token: str) -> DownloadLink | None:
        """The download that a token allows, expired or not; None unless it was signed for one."""
        values = self._values(token, DOWNLOAD)
        return None if values is None else DownloadLink(*values)

    def _values(self, token: str, kind: str) -> list[Any] | None:
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        text, _, signature = token.partition(".")
        try:
            content, signed = decoded(text), decoded(signature)
        except ValueError:
            return None
        if not hmac.compare_digest(signed, self._signature(content)):
            return None
        values = orjson.loads(content)
        return values[1:] if values[0] == kind else None

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self.key, content, "sha256")
