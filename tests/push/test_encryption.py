"""The encryption of push messages, by the example of RFC 8291 and by another implementation."""

import pytest
from Crypto.PublicKey import ECC
from pydantic import SecretStr

from tests.support.push_services import Browser, verified_claims
from todo_gql.push.encryption import encrypt
from todo_gql.push.keys import PushKey, new_key, push_key
from todo_gql.push.vapid import authorization
from todo_gql.security.base64url import decoded, encoded
from todo_gql.settings import Settings

pytestmark = pytest.mark.own_schema

# RFC 8291, appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
BROWSER_KEY = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_specification() -> None:
    """The keys, salt and text of RFC 8291, appendix A, make the body that stands there."""
    sender = ECC.construct(curve="P-256", d=int.from_bytes(decoded(SENDER), "big"))
    body = encrypt(
        PLAINTEXT, decoded(BROWSER_KEY), decoded(AUTH), sender=sender, salt=decoded(SALT)
    )
    assert encoded(body) == BODY


@pytest.mark.parametrize("length", [1, 2, 100, 3900, 3993])
def test_a_browser_reads_what_is_encrypted_for_it(length: int) -> None:
    """Another implementation decrypts texts up to the longest, which makes a body of 4,096 bytes."""
    browser = Browser("https://push.example/1")
    plaintext = bytes(n % 251 + 1 for n in range(length))
    body = encrypt(plaintext, browser.point, browser.auth)
    assert browser.decrypt(body) == plaintext
    assert len(body) == length + 103
    # The same text is never encrypted alike.
    assert encrypt(plaintext, browser.point, browser.auth) != body


def a_key() -> PushKey:
    """A new key pair."""
    pair = push_key(Settings(_env_file=None, vapid_private_key=SecretStr(new_key())))
    assert pair
    return pair


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://push.example/a/b?c=d", "https://push.example"),
        ("https://push.example:443/a", "https://push.example"),
        ("https://push.example:8443/a", "https://push.example:8443"),
        ("https://PUSH.example/a", "https://push.example"),
        ("https://[2606:4700::1111]:8443/a", "https://[2606:4700::1111]:8443"),
    ],
)
def test_the_audience_is_the_origin_of_each_endpoint(endpoint: str, origin: str) -> None:
    """One key signs for one push service after the other, each time with that one's origin."""
    key = a_key()
    authorization("https://another.example/x", "mailto:ops@example.com", key)
    claims, public = verified_claims(authorization(endpoint, "mailto:ops@example.com", key), origin)
    assert set(claims) == {"aud", "exp", "sub"}
    assert claims["sub"] == "mailto:ops@example.com"
    assert public == key.public
