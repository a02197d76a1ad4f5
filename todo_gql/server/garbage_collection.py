"""How the garbage collector runs in a process that answers requests."""

import gc

THRESHOLDS = (30_000, 3, 3)


def tune_garbage_collector() -> None:
    """Leave what is there for good out of every collection, and collect less often.

    Call it once everything is imported and made. An answer makes thousands of objects that are
    gone with it without the collector's help; by default it looks at all of them, and now and
    then at the whole schema. What a WebSocket leaves does refer to itself; it is found soon.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
