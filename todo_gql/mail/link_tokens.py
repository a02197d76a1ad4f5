"""The tokens in the links of mails."""

import base64
import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self
from uuid import UUID

from todo_gql.security.base64url import encoded
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

ID_BYTES = 16
LINK_TOKEN = re.compile("[A-Za-z0-9_-]{86}")


@dataclass(frozen=True, slots=True)
class LinkToken:
    """A token that proves that its bearer reads the mails of an account.

    The secret is an HMAC-SHA-256 of the owner's and the mail's id, so the worker computes it when it
    sends the mail, and neither the database nor the job queue stores it.
    """

    owner_id: UUID
    mail_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def of_mail(cls, owner_id: UUID, mail_id: UUID, settings: Settings) -> Self:
        """The token of a mail, whose secret has 256 bits."""
        key = derived_key(settings, "mail links")
        return cls(owner_id, mail_id, hmac.digest(key, owner_id.bytes + mail_id.bytes, "sha256"))

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self | None:
        """Parse the text of a token; None unless it was issued with this server's key."""
        if not LINK_TOKEN.fullmatch(text):
            return None
        content = base64.urlsafe_b64decode(text + "==")
        owner_id, mail_id = content[:ID_BYTES], content[ID_BYTES : 2 * ID_BYTES]
        token = cls.of_mail(UUID(bytes=owner_id), UUID(bytes=mail_id), settings)
        return token if hmac.compare_digest(token.text, text) else None

    @property
    def text(self) -> str:
        """The token in the link: ids and secret in URL-safe base64, 86 characters."""
        content = self.owner_id.bytes + self.mail_id.bytes + self.secret
        return encoded(content)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the secret, which the database stores."""
        return sha256(self.secret).digest()
