"""How the garbage collector runs while requests are answered."""

import gc

import pytest

from tests.conftest import Account
from todo_gql.garbage import THRESHOLDS, tune_garbage_collector
from todo_gql.settings import Settings


def test_what_is_there_for_good_is_never_looked_at_again() -> None:
    """And new garbage is still collected, only less often."""
    before = gc.get_threshold()
    try:
        tune_garbage_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == THRESHOLDS
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@pytest.mark.parametrize(
    "document",
    [
        "{ todos { nodes { id title tags { name } owner { username } } totalCount } }",
        "{ stats { total overdue } viewer { username stats { pending } } }",
        'mutation { todoCreate(input: { title: "Todo", tags: ["a"] }) { todo { tags { name } } } }',
    ],
)
async def test_an_answer_is_freed_without_the_collector(
    account: Account, settings: Settings, document: str
) -> None:
    """Nothing of it refers to itself, so that it is gone as soon as it is sent."""
    if settings.execution_engine == "graphql-core":
        pytest.skip("graphql-core's executor refers to itself.")
    await account.create(tags=["a", "b"])
    await account.data(document)
    gc.collect()
    gc.disable()
    # A connection that is closed meanwhile, after 300 s of idling, is garbage of another answer.
    before = {id(one) for one in gc.get_objects()}
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await account.data(document)
        gc.collect()
        left = {type(one).__module__ for one in gc.garbage if id(one) not in before}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert {name for name in left if name.startswith(("todo_gql", "asyncpg"))} == set()
