"""Undo of every mutation of the schema that changes todos, in random order."""

from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.support.accounts import Account, NewAccount
from tests.support.operations import root_fields
from tests.support.recounts import wrong_counts
from tests.support.stored_states import StoredState, stored_state
from tests.support.undoable_mutations import UNDO, UNDOABLE, Things, call

# They change nothing that an undo takes back.
OTHERS = {
    *("register", "login", "tokenRefresh", "logout", "sessionRevoke", "profileUpdate"),
    *("passwordChange", "emailVerificationRequest", "emailVerify", "emailChangeRequest"),
    *("emailChangeConfirm", "passwordResetRequest", "passwordReset", "accountDelete"),
    *("pushSubscribe", "pushUnsubscribe"),
    *("userAdminUpdate", "savedViewCreate", "savedViewUpdate", "savedViewDelete"),
    *("notificationsUpdate", "notificationsReadAll", "notificationPreferencesUpdate"),
    *("reminderAdd", "reminderUpdate", "reminderDelete", "todoSnooze"),
    *("listInvite", "invitationAccept", "invitationDecline", "invitationRevoke"),
    *("memberUpdate", "memberRemove", "listLeave", "listTransfer"),
    *("commentCreate", "commentUpdate", "commentDelete"),
    # What they change of a todo is refused: see test_changes_of_files.py.
    *("attachmentCreate", "attachmentFinish", "attachmentDelete"),
    *("apiTokenCreate", "apiTokenRevoke", "calendarFeedCreate", "calendarFeedDelete"),
    *("webhookCreate", "webhookUpdate", "webhookRotateSecret", "webhookTest"),
    *("webhookRedeliver", "webhookDelete"),
    # A worker makes an import's changes, later: see test_changes_of_files.py.
    *("exportCreate", "importCreate", "importStart", "jobCancel"),
}
# It is tried after each of the others; lists in the trash aren't listed; and few todos repeat.
IN_TESTS_OF_THEIR_OWN = {UNDO, "listRestore", "todoSkip", "todoUndoOccurrence"}
UNDO_ALL = (
    "mutation ($cursor: String!) { todoUndo(cursor: $cursor) { undoCursor processed updated"
    " results { errors { code message } } errors { code message } } }"
)


def test_every_mutation_is_undone() -> None:
    """A new mutation is to be undone by the tests here, unless it changes no todos."""
    mutations = {name for _, name in root_fields("mutation")}
    assert mutations == {*UNDOABLE, *OTHERS, *IN_TESTS_OF_THEIR_OWN}


async def undo(account: Account, cursor: str) -> str:
    """Undo a mutation whole, and return what undoes that."""
    payload = (await account.data(UNDO_ALL, cursor=cursor))["todoUndo"]
    problems = [error for result in payload["results"] for error in result["errors"]]
    assert (payload["errors"], problems) == ([], []), payload
    assert payload["processed"] == payload["updated"] == len(payload["results"])
    return str(payload["undoCursor"])


def without_created(state: StoredState, before: StoredState) -> StoredState:
    """The state without what wasn't there before: it is in the trash."""
    known = {row["id"] for name in ("todos", "lists", "sections") for row in before[name]}
    created = {
        name: [row for row in state[name] if row["id"] not in known]
        for name in ("todos", "lists", "sections")
    }
    assert all(row["deleted_at"] for rows in created.values() for row in rows)
    return state | {
        **{name: [row for row in state[name] if row["id"] in known] for name in created},
        "tags": [tag for tag in state["tags"] if tag in before["tags"] or tag[1]],
        "counts": [
            counts | {"trash_count": counts["trash_count"] - len(created["todos"])}
            for counts in state["counts"]
        ],
    }


def differences(one: StoredState, other: StoredState) -> dict[str, Any]:
    """What only one of two states has, and what only the other has."""
    return {
        name: (
            [row for row in rows if row not in other[name]],
            [row for row in other[name] if row not in rows],
        )
        for name, rows in one.items()
        if rows != other[name]
    }


@examples(
    max_examples=max(1, examples().max_examples // 10),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
async def test_undo_brings_back_what_was(new_account: NewAccount, seed: int) -> None:
    """An undo leaves the state from before, and undoing that the state after, counts included."""
    account, random = await new_account(), Random(seed)
    await call(
        account,
        "todoBulkCreate",
        UNDOABLE["todoBulkCreate"](random, Things([], [], [], [], [])) or {},
    )
    for name in [
        "listCreate",
        "sectionCreate",
        "todoBulkMove",
        *random.sample(sorted(UNDOABLE), len(UNDOABLE)),
    ]:
        arguments = UNDOABLE[name](random, await Things.of(account))
        if arguments is None:
            continue
        before = await stored_state(account)
        cursor = await call(account, name, arguments)
        after = await stored_state(account)
        if cursor is None:
            assert after == before, name
            continue
        redo = await undo(account, cursor)
        undone = without_created(await stored_state(account), before)
        assert differences(undone, before) == {}, (name, arguments)
        again = await undo(account, redo)
        assert differences(await stored_state(account), after) == {}, (name, arguments)
        if random.random() < 0.3:
            await undo(account, again)
    assert await wrong_counts(UUID(account.id)) == {}
