"""Documents that would try more than one credential."""

from typing import Any

import pytest
from graphql import GraphQLBoolean, get_named_type

from tests.support.accounts import PASSWORD, Account, Client
from tests.support.operations import field_of, leaves, root_fields
from todo_gql.operation.credential_limits import has_credential


def guesses(number: int) -> str:
    """So many logins, each with a name of its own."""
    return " ".join(f"a{each}: login(input: $input) {{ __typename }}" for each in range(number))


def fragments_fanning_out(depth: int, inside: str) -> str:
    """Fragments of which each spreads the next one twice."""
    chain = " ".join(
        f"fragment F{each} on Mutation {{ ...F{each + 1} ...F{each + 1} }}" for each in range(depth)
    )
    return f"{chain} fragment F{depth} on Mutation {{ {inside} }}"


HEAD = "mutation ($input: LoginInput!)"
CHANGE = 'passwordChange(input: { currentPassword: "", newPassword: "" }) { __typename }'
JOIN = 'register(input: { username: "", email: "", password: "" }) { __typename }'
NESTED = (
    "fragment F on Mutation { ...G c: login(input: $input) { __typename } }"
    f" fragment G on Mutation {{ {guesses(1)} }}"
)
REFUSED = {
    "50 aliases": (f"{HEAD} {{ {guesses(50)} }}", "50 (login)"),
    "one beside another": (f"{HEAD} {{ {guesses(1)} {JOIN} }}", "2 (login, register)"),
    "a change of password": (f"{HEAD} {{ {CHANGE} {guesses(1)} }}", "2 (login, passwordChange)"),
    "inline fragments": (
        f"{HEAD} {{ ... {{ ... on Mutation {{ {guesses(2)} }} }} }}",
        "2 (login)",
    ),
    "a fragment": (
        f"{HEAD} {{ ...F }} fragment F on Mutation {{ {guesses(40)} }}",
        "40 (login)",
    ),
    "fragments in fragments": (
        f"{HEAD} {{ ...F b: login(input: $input) {{ __typename }} }} {NESTED}",
        "3 (login)",
    ),
    "2^30 spreads": (f"{HEAD} {{ ...F0 }} {fragments_fanning_out(30, guesses(2))}", "2 (login)"),
    "one of two operations": (f"{HEAD} {{ {guesses(2)} }} query Q {{ __typename }}", "2 (login)"),
}


@pytest.mark.parametrize(("document", "told"), REFUSED.values(), ids=REFUSED)
async def test_a_document_of_guesses_is_refused(
    client: Client, account: Account, hashed: list[Any], document: str, told: str
) -> None:
    """An operation holds one mutation that takes a credential: with more, none is executed."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    answer = await client.execute(document, {"input": sent})
    errors = [
        error
        for error in answer["errors"]
        if error["message"].startswith("An operation may have one mutation")
    ]
    assert len(errors) == 1
    assert errors[0]["message"].endswith(f"this one has {told}. Send them one by one.")
    assert errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in answer
    assert hashed == []


ALLOWED = {
    "one": f"{HEAD} {{ {guesses(1)} }}",
    "the same again": f"{HEAD} {{ {guesses(1)} {guesses(1)} }}",
    "with others": f"{HEAD} {{ {guesses(1)} logout {{ ok }} }}",
    "2^30 spreads": f"{HEAD} {{ ...F0 }} {fragments_fanning_out(30, guesses(1))}",
}


@pytest.mark.parametrize("document", ALLOWED.values(), ids=ALLOWED)
async def test_what_is_executed_once_is_one(
    client: Client, account: Account, hashed: list[Any], document: str
) -> None:
    """A field that the document selects several times and executes once is one try."""
    sent = {"usernameOrEmail": account.username, "password": PASSWORD}
    answer = await client.execute(document, {"input": sent})
    assert answer["data"]["a0"] == {"__typename": "LoginPayload"}
    assert len(hashed) == 1


async def test_refreshes_and_logouts_may_stand_together(client: Client, account: Account) -> None:
    """What takes no password is no guess."""
    document = (
        "mutation ($token: String!) {"
        " a: tokenRefresh(refreshToken: $token) { errors { code } }"
        " b: tokenRefresh(refreshToken: $token) { errors { code } } logout { ok } }"
    )
    data = await account.data(document, token=account.refresh_token)
    assert data == {"a": {"errors": []}, "b": {"errors": []}, "logout": {"ok": True}}


@pytest.mark.parametrize(
    "document",
    [
        "mutation { ...Missing }",
        "mutation { ...F } fragment F on Mutation { ...G } fragment G on Mutation { ...F }",
        "mutation { ...F } fragment F on Mutation { ...F ...F }",
    ],
)
async def test_fragments_that_lead_nowhere_are_refused(client: Client, document: str) -> None:
    """A fragment that is missing or spreads itself ends no request without an answer."""
    answer = await client.execute(document)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {
        "GRAPHQL_VALIDATION_FAILED"
    }


# What is sent with these is proof enough by itself, or isn't tried against a stored secret. Invitations have a
# limit of their own for each day.
NO_CREDENTIALS = {
    *("tokenRefresh", "logout", "sessionRevoke"),
    *("listInvite", "invitationAccept", "invitationDecline"),
}


def test_whatever_takes_a_credential_is_limited() -> None:
    """No mutation that takes or mails a password, a token or an address is forgotten."""
    taking = {
        name
        for _, name in root_fields("mutation")
        for argument_name, argument in field_of(("Mutation", name)).args.items()
        for path, leaf in leaves(argument_name, argument.type)
        # A switch says whether mails are sent.
        if get_named_type(leaf) != GraphQLBoolean
        and any(word in path[-1].lower() for word in ("password", "token", "email"))
    }
    limited = {
        name for _, name in root_fields("mutation") if has_credential(field_of(("Mutation", name)))
    }
    assert limited == (taking - NO_CREDENTIALS) | {"emailVerificationRequest"}
