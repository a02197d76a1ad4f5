"""E-mail addresses and user names as people type them: what is kept, and what is one and the same.

Addresses of one mailbox are one: in any letter case, with letters composed of others or not, and with
a domain in its own script or in the ASCII of RFC 5891. What is kept, shown and mailed to is what was
typed.
"""

import unicodedata

import idna

from todo_gql.api.folding import folded

LONGEST_EMAIL = 255
LONGEST_USERNAME = 50
# What is longer as it is typed is too long in every form, and takes long to normalise.
LONGEST_TYPED = 4 * LONGEST_EMAIL
# White space but for control characters, which are told and not dropped.
SPACES = " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# What keyboards for Chinese, Japanese and Korean type; no address has it.
FULL_WIDTH_AT = "\uff20"


def read_email(typed: str) -> str:
    """An address as it is kept: without the space around it, its letters composed (NFC)."""
    text = typed.strip(SPACES)
    if text.isascii() or len(text) > LONGEST_TYPED:
        return text
    return unicodedata.normalize("NFC", text).replace(FULL_WIDTH_AT, "@")


def read_username(typed: str) -> str:
    """A user name as it is kept: without the space around it."""
    return typed.strip(SPACES)


def mailbox_key(email: str) -> str:
    """The one text that stands for all addresses of a mailbox, whatever was typed."""
    text = email.strip()
    if len(text) > LONGEST_TYPED:
        return text
    text = unicodedata.normalize("NFKC", text).removesuffix(".")
    if text.isascii():
        return text.lower()
    local_part, at, domain = text.rpartition("@")
    return f"{folded(local_part)}{at}{_ascii_domain(domain)}"


def name_key(name: str) -> str:
    """The one text that stands for all ways to type a user name or an address."""
    text = name.strip()
    if len(text) > LONGEST_TYPED:
        return text
    key = folded(text)
    return mailbox_key(text) if "@" in key else key


def recipient_key(email: str) -> str:
    """The one text that stands for all addresses by which a mailbox is likely to be reached.

    For counting mails alone: many providers deliver `ada+shop@` and `a.da@` where `ada@` goes.
    """
    local_part, at, domain = mailbox_key(email).rpartition("@")
    person = local_part.partition("+")[0].replace(".", "")
    return f"{person or local_part}{at}{domain}"


def _ascii_domain(domain: str) -> str:
    """A domain as the DNS has it (UTS 46); one that there can't be as it is, in lower case."""
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.casefold()
