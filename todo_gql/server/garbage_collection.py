"""How the garbage collector runs in a process that serves requests."""

import gc

# A collection of the youngest 30,000 objects took 10 to 25 ms where they were the garbage of new
# documents, and one of the next generation 50 ms. An answer of a usual page has fewer than 10,000.
THRESHOLDS = (10_000, 3, 9)


def tune_garbage_collector() -> None:
    """Exclude all present objects from collections (`gc.freeze`), and collect less often.

    Call it once everything is imported and created. A response creates thousands of objects that
    reference counting frees; by default the collector visits all of them, and sometimes the whole
    schema. A closed WebSocket does leave reference cycles, which a collection frees soon.
    """
    # The command line froze what it had imported, and the garbage of that with it.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
