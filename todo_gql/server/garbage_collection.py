"""How the garbage collector runs in a process that serves requests."""

import gc

THRESHOLDS = (30_000, 3, 3)


def tune_garbage_collector() -> None:
    """Exclude all present objects from collections (`gc.freeze`), and collect less often.

    Call it once everything is imported and created. A response creates thousands of objects that
    reference counting frees; by default the collector visits all of them, and sometimes the whole
    schema. A closed WebSocket does leave reference cycles, which a collection frees soon.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
