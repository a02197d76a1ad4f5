"""What reaches who is invited: a notification, a mail, and the page behind the mail's link."""

from uuid import UUID, uuid4

import httpx

from tests.support.accounts import Account, NewAccount
from tests.support.inboxes import prefer
from tests.support.lists import make_list
from tests.support.mailbox import Mailbox, text_of, token_of
from tests.support.sharing import (
    ACCEPT,
    DECLINE,
    INVITE,
    REVOKE,
    counts_of,
    invitation_of,
    share,
    sharing,
)
from tests.support.waiting import until
from todo_gql.database.connection import fetch

PATH = "/account/invitation"
FORM = {"content-type": "application/x-www-form-urlencoded"}
INBOX = """{ notifications { unreadCount nodes { kind excerpt
  subject { id ... on Invitation { listName role } } } } }"""
DELIVERED = "SELECT count(*) = 0 AS is_done FROM pgqueuer WHERE status IN ('queued', 'picked')"


def subject(inviter: Account) -> str:
    """The subject of an inviter's mails."""
    return f"{inviter.username} invites you to a list"


async def verify(account: Account) -> None:
    """Have an account verify its address."""
    await fetch("UPDATE users SET email_verified_at = now() WHERE id = $1", UUID(account.id))


async def delivered() -> None:
    """Wait until the worker has done all that it was to do."""

    async def is_done() -> bool:
        return bool((await fetch(DELIVERED))[0]["is_done"])

    await until(is_done)


async def mailed_token(mailbox: Mailbox, inviter: Account, address: str) -> str:
    """The token in the newest invitation that was mailed to an address."""
    return token_of(await mailbox.arrival(address, subject(inviter)))


async def opened(client: Account, token: str) -> httpx.Response:
    """The page of a link."""
    return await client.http.get(PATH, params={"token": token})


async def answered(client: Account, token: str, answer: str) -> httpx.Response:
    """The page after pressing a button."""
    return await client.http.post(PATH, data={"token": token, "answer": answer}, headers=FORM)


async def test_an_invitation_is_mailed_in_text_and_html(mailbox: Mailbox, account: Account) -> None:
    """The mail to an address says who invites to which list as what, in text and HTML, with a link."""
    shared = await make_list(account, name="Trip <to> Rome")
    to = f"new-{uuid4().hex[:8]}@example.com"
    await sharing(account, INVITE, id=shared["id"], to=to, role="VIEWER")
    mail = await mailbox.arrival(to, subject(account))
    text = text_of(mail)
    assert f"{account.username} invites you to the list “Trip <to> Rome”" in " ".join(text.split())
    assert "as somebody who may read it." in " ".join(text.split())
    assert f"https://todo.example/app{PATH}?token=" in text
    html = mail.get_body(("html",))
    assert html is not None
    assert "“Trip &lt;to&gt; Rome”" in html.get_content()
    [row] = await fetch("SELECT secret_hash FROM invitations WHERE address = $1", to)
    assert token_of(mail) not in str(row["secret_hash"])


async def test_an_account_is_notified_and_mailed(
    mailbox: Mailbox, account: Account, stranger: Account
) -> None:
    """Who is invited by name has an entry about the invitation, and a mail at their verified address."""
    await verify(stranger)
    shared = await make_list(account, name="Groceries")
    await sharing(account, INVITE, id=shared["id"], to=stranger.username)
    token = await mailed_token(mailbox, account, stranger.email)
    invitation = await invitation_of(stranger)
    [entry] = (await stranger.data(INBOX))["notifications"]["nodes"]
    assert entry == {
        "kind": "INVITED",
        "excerpt": "Groceries",
        "subject": {"id": invitation["id"], "listName": "Groceries", "role": "EDITOR"},
    }
    accepted = await sharing(stranger, ACCEPT, token=token)
    assert accepted["errors"] == []
    [entry] = (await stranger.data(INBOX))["notifications"]["nodes"]
    assert (entry["excerpt"], entry["subject"]) == (None, None)


async def test_an_address_that_is_not_verified_gets_no_mail_by_name(
    mailbox: Mailbox, account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """Nothing is mailed to an address that its account hasn't verified, or to who wants no such mails."""
    unwilling, shared = await new_account(), await make_list(account)
    await verify(unwilling)
    await prefer(unwilling, {"INVITED": {"email": False}})
    for to in (stranger.username, unwilling.username, unwilling.email):
        await sharing(account, INVITE, id=shared["id"], to=to)
    await delivered()
    for who, number in ((stranger, 1), (unwilling, 2)):
        assert [mail["Subject"] for mail in mailbox.to(who.email)] in (
            [],
            ["Confirm your e-mail address"],
        )
        assert (await who.data(INBOX))["notifications"]["unreadCount"] == number


async def test_members_get_nothing_by_their_address(
    mailbox: Mailbox, account: Account, stranger: Account
) -> None:
    """An invitation to the address of a member is delivered to nobody."""
    await verify(stranger)
    shared = await make_list(account)
    await share(account, shared["id"], stranger)
    await sharing(account, INVITE, id=shared["id"], to=stranger.email)
    await delivered()
    assert subject(account) not in {mail["Subject"] for mail in mailbox.to(stranger.email)}
    assert (await stranger.data(INBOX))["notifications"]["nodes"] == []


async def test_mails_to_one_recipient_are_bounded(
    mailbox: Mailbox, account: Account, new_account: NewAccount
) -> None:
    """Several people together mail invitations to one address no more often than an hour allows."""
    to = f"new-{uuid4().hex[:8]}@example.com"
    inviters = [account, *[await new_account() for _ in range(2)]]
    for inviter in inviters:
        for _ in range(3):
            shared = await make_list(inviter)
            payload = await sharing(inviter, INVITE, id=shared["id"], to=to)
            assert payload["ok"]
    await delivered()
    assert len(mailbox.to(to)) == 5


async def test_a_revoked_invitation_opens_nothing(mailbox: Mailbox, account: Account) -> None:
    """The link of an invitation that was revoked is void, if it was mailed at all."""
    to = f"new-{uuid4().hex[:8]}@example.com"
    shared = await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=to)
    [row] = await fetch("SELECT id FROM invitations WHERE address = $1", to)
    await sharing(account, REVOKE, id=str(row["id"]))
    await delivered()
    # It may have been mailed between the two.
    for mail in mailbox.to(to):
        assert (await opened(account, token_of(mail))).status_code == 410


async def test_tokens_are_for_who_was_invited(
    mailbox: Mailbox, account: Account, stranger: Account, new_account: NewAccount
) -> None:
    """A token of an address is of use to the account that has verified the address, and to no other one."""
    third, shared = await new_account(), await make_list(account)
    await sharing(account, INVITE, id=shared["id"], to=stranger.email)
    token = await mailed_token(mailbox, account, stranger.email)
    for document in (ACCEPT, DECLINE):
        for who in (third, stranger):
            refused = await sharing(who, document, token=token)
            assert refused["errors"] == [("INVALID", "token")]
    await verify(stranger)
    accepted = await sharing(stranger, ACCEPT, token=token)
    assert accepted["list"]["id"] == shared["id"]
    again = await sharing(stranger, ACCEPT, token=token)
    assert again["errors"] == [("INVALID_TOKEN", "token")]


async def test_the_page_joins_when_its_button_is_pressed(
    mailbox: Mailbox, account: Account, stranger: Account
) -> None:
    """Opening the link, however often, joins nothing; pressing the button joins with the invited account."""
    await verify(stranger)
    shared = await make_list(account, name="<b>Groceries</b>")
    await sharing(account, INVITE, id=shared["id"], to=stranger.email)
    token = await mailed_token(mailbox, account, stranger.email)
    for _ in range(2):
        page = await opened(account, token)
        assert page.status_code == 200
        assert "<strong>&lt;b&gt;Groceries&lt;/b&gt;</strong>" in page.text
        assert f"<strong>{account.username}</strong>" in page.text
        assert f"<strong>{stranger.username}</strong>" in page.text
    assert await counts_of(stranger) == (0, 0)
    page = await answered(account, token, "accept")
    assert (page.status_code, "You are in the list" in page.text) == (200, True)
    assert await counts_of(stranger) == (0, 1)
    assert (await opened(account, token)).status_code == 410
    assert (await answered(account, token, "accept")).status_code == 410


async def test_the_page_asks_for_an_account(mailbox: Mailbox, account: Account) -> None:
    """Who has no account with the address is told to get one, and may decline."""
    shared = await make_list(account)
    to = f"new-{uuid4().hex[:8]}@example.com"
    await sharing(account, INVITE, id=shared["id"], to=to)
    token = await mailed_token(mailbox, account, to)
    for page in (await opened(account, token), await answered(account, token, "accept")):
        assert page.status_code == 200
        assert "Sign up in the app with that address" in page.text
        assert "Join the list" not in page.text
    page = await answered(account, token, "decline")
    assert "Invitation declined" in page.text
    assert (await opened(account, token)).status_code == 410


async def test_the_page_knows_no_forged_token(account: Account) -> None:
    """A token that this server hasn't made opens nothing, by GET and by POST."""
    for token in ("", "x" * 86):
        assert (await opened(account, token)).status_code == 410
        assert (await answered(account, token, "accept")).status_code == 410
    foreign = await account.http.post(
        PATH, data={"token": "x"}, headers={**FORM, "sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert foreign.headers["x-robots-tag"] == "noindex"
