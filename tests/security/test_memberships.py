"""Whether somebody is in lists of others is known at once in every process."""

import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.support.accounts import Account, registered, visiting
from tests.support.sharing import share, unshare
from tests.support.trees import add_list
from todo_gql.app import create_app
from todo_gql.changelog import feed_registry
from todo_gql.changelog.memberships import MembershipFollower, topic_of
from todo_gql.database.connection import fetch
from todo_gql.security.authentication import authenticate
from todo_gql.security.memberships import Membership
from todo_gql.settings import Settings


@pytest.fixture
def remembering(settings: Settings) -> Settings:
    """Settings with which viewers are cached for long."""
    return settings.model_copy(update={"viewer_cache_seconds": 60})


@pytest.fixture
async def member(remembering: Settings, app: object, database_url: str) -> AsyncIterator[Account]:
    """A user of an application that caches viewers."""
    async with visiting(create_app(remembering, database_url)) as client:
        yield await registered(client)


async def is_member(account: Account, settings: Settings) -> bool:
    """Whether the account's viewer is a member, read or cached."""
    viewer = await authenticate(account.token, settings)
    assert viewer is not None
    return viewer.is_member


async def test_a_cached_viewer_joins_at_once(
    account: Account, member: Account, remembering: Settings
) -> None:
    """A viewer that is cached is a member as soon as the person has joined a list."""
    viewer = await authenticate(member.token, remembering)
    assert viewer is not None
    assert not viewer.is_member
    await share(account, await add_list(account), member)
    assert viewer.is_member
    assert await is_member(member, remembering)


async def test_an_owner_is_no_member(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """Who owns a shared list isn't taken for a member of lists of others."""
    await share(account, await add_list(account), stranger)
    viewer = await authenticate(account.token, settings)
    assert viewer is not None
    assert (viewer.is_member, viewer.has_company) == (False, True)


async def test_joins_are_announced_to_other_processes(
    member: Account, remembering: Settings
) -> None:
    """The announcement of a join in another process makes a cached viewer a member."""
    assert not await is_member(member, remembering)
    follower = MembershipFollower()
    follower.wake([UUID(member.id)])
    assert not await is_member(member, remembering)
    follower.wake([topic_of(UUID(member.id))])
    assert await is_member(member, remembering)


async def test_joins_are_noticed_without_announcements(
    member: Account, remembering: Settings
) -> None:
    """A poll notices who has joined while announcements were lost."""
    viewer = await authenticate(member.token, remembering)
    assert viewer is not None
    await fetch("UPDATE users SET membership_count = 1 WHERE id = $1", UUID(member.id))
    assert not viewer.is_member
    await MembershipFollower().poll()
    assert viewer.is_member


async def test_who_left_the_last_list_is_no_member(
    account: Account, stranger: Account, settings: Settings
) -> None:
    """The next reading of the session finds that somebody is in no other list any more."""
    list_id = await add_list(account)
    await share(account, list_id, stranger)
    assert await is_member(stranger, settings)
    await unshare(account, list_id, stranger)
    assert not await is_member(stranger, settings)


def test_a_join_outlasts_an_older_reading() -> None:
    """What was read before a join doesn't undo it."""
    membership, read_at = Membership(), time.monotonic()
    membership.join()
    membership.read(is_member=False, has_company=False, read_at=read_at)
    assert membership.is_member
    membership.read(is_member=False, has_company=False, read_at=time.monotonic() + 1)
    assert not membership.is_member


INVITE = """mutation ($id: ID!, $name: String!) {
  listInvite(id: $id, input: { usernameOrEmail: $name }) { errors { code } }
}"""
ACCEPT = "mutation ($id: ID!) { invitationAccept(id: $id) { errors { code } } }"


async def test_accepting_an_invitation_is_announced(
    account: Account, stranger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes are notified of who has joined, and whose list it is."""
    announced: list[UUID] = []
    monkeypatch.setattr(feed_registry, "announce", announced.append)
    list_id = await add_list(account)
    await account.data(INVITE, id=list_id, name=stranger.username)
    invited = await stranger.data("{ invitations { nodes { id } } }")
    payload = await stranger.data(ACCEPT, id=invited["invitations"]["nodes"][0]["id"])
    assert payload["invitationAccept"]["errors"] == []
    assert {topic_of(UUID(one.id)) for one in (account, stranger)} <= set(announced)
