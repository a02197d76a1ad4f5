"""How the garbage collector runs while requests are answered."""

import gc

from todo_gql.garbage import THRESHOLDS, tune_garbage_collector


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
