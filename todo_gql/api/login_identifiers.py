"""Normalization of e-mail addresses and user names, and the keys under which they are unique.

Two spellings of one mailbox have the same key: in any letter case, with composed or decomposed
letters, and with the domain in its own script or in ASCII (RFC 5891). The address as its owner typed
it, normalized by `normalize_email` alone, is what is stored, shown and mailed to.
"""

import unicodedata

import idna

from todo_gql.api.folding import folded

MAX_EMAIL_LENGTH = 255
MAX_USERNAME_LENGTH = 50
# A longer input is too long in every normal form, and slow to normalize.
MAX_RAW_LENGTH = 4 * MAX_EMAIL_LENGTH
# White space to strip. Control characters are not stripped: they are reported as an error.
STRIPPED_SPACES = " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# Typed by Chinese, Japanese and Korean input methods; no address contains it.
FULL_WIDTH_AT = "\uff20"


def normalize_email(typed: str) -> str:
    """The address to store: white space stripped, letters composed (Unicode NFC)."""
    text = typed.strip(STRIPPED_SPACES)
    if text.isascii() or len(text) > MAX_RAW_LENGTH:
        return text
    return unicodedata.normalize("NFC", text).replace(FULL_WIDTH_AT, "@")


def normalize_username(typed: str) -> str:
    """The user name to store: white space stripped."""
    return typed.strip(STRIPPED_SPACES)


def mailbox_key(email: str) -> str:
    """The key that all spellings of one mailbox share."""
    text = email.strip()
    if len(text) > MAX_RAW_LENGTH:
        return text
    text = unicodedata.normalize("NFKC", text).removesuffix(".")
    if text.isascii():
        return text.lower()
    local_part, at, domain = text.rpartition("@")
    return f"{folded(local_part)}{at}{_ascii_domain(domain)}"


def name_key(name: str) -> str:
    """The key that all spellings of one user name, or of one address, share."""
    text = name.strip()
    if len(text) > MAX_RAW_LENGTH:
        return text
    key = folded(text)
    return mailbox_key(text) if "@" in key else key


def recipient_key(email: str) -> str:
    """The key that all addresses share which probably reach one mailbox.

    Only for limiting mails: many providers deliver `ada+shop@` and `a.da@` to `ada@`.
    """
    local_part, at, domain = mailbox_key(email).rpartition("@")
    person = local_part.partition("+")[0].replace(".", "")
    return f"{person or local_part}{at}{domain}"


def _ascii_domain(domain: str) -> str:
    """The domain in its ASCII form (Unicode UTS 46); case-folded if it is no valid domain."""
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.casefold()
