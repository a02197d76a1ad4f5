"""Encryption of push messages for one browser (RFC 8291), in the content coding aes128gcm (RFC 8188)."""

import hmac
import os
import struct
from typing import Final

from Crypto.Cipher import AES
from Crypto.Protocol.DH import key_agreement
from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey

from todo_gql.push.keys import CURVE, point, receiver_key

RECORD_BYTES: Final = 4_096
"""What push services take at least, and the size of the one record of a message (RFC 8291, section 4)."""

SALT_BYTES: Final = 16
AUTH_BYTES: Final = 16
KEY_BYTES: Final = 16
NONCE_BYTES: Final = 12
LAST_RECORD: Final = b"\x02"


def encrypt(
    plaintext: bytes,
    browser_key: bytes,
    auth_secret: bytes,
    *,
    sender: EccKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of a push message: at most 3,993 bytes of text, in one record of 4,096 bytes.

    `browser_key` is the browser's public key as uncompressed point, `auth_secret` its 16 secret bytes.
    A key pair and a salt are generated for each message, unless a test sets them. Raises `ValueError`
    for a browser's key that is no point of the curve.
    """
    sender = sender or ECC.generate(curve=CURVE)
    salt = salt or os.urandom(SALT_BYTES)
    sender_key = point(sender)
    shared: bytes = key_agreement(
        eph_priv=sender, static_pub=receiver_key(browser_key), kdf=lambda secret: secret
    )
    info = b"WebPush: info\0" + browser_key + sender_key
    keying_material = _hkdf(auth_secret, shared, info, 32)
    key = _hkdf(salt, keying_material, b"Content-Encoding: aes128gcm\0", KEY_BYTES)
    nonce = _hkdf(salt, keying_material, b"Content-Encoding: nonce\0", NONCE_BYTES)
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    record, tag = cipher.encrypt_and_digest(plaintext + LAST_RECORD)
    header = salt + struct.pack("!LB", RECORD_BYTES, len(sender_key)) + sender_key
    return header + record + tag


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 for up to 32 bytes (RFC 5869): one block is all that is expanded."""
    pseudorandom_key = hmac.digest(salt, secret, "sha256")
    return hmac.digest(pseudorandom_key, info + b"\x01", "sha256")[:length]
