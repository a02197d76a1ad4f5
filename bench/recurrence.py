"""How long recurrence rules take at worst: the median of several runs, in CPU time.

`python -m bench.recurrence` prints a line for each rule, and fails above the limit.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import islice
from statistics import median
from time import process_time_ns

from todo_gql.api.time_zones import TimeZoneName
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import RecurrenceMode
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import _last_by_count

LIMIT_MS = 5.0
RUNS = 5
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OLD, NEW = date(1, 1, 1), date(2026, 11, 30)
RULES = [
    ("FREQ=DAILY", OLD),
    ("FREQ=WEEKLY;BYDAY=MO,WE,FR", NEW),
    ("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", NEW),
    ("FREQ=DAILY;COUNT=999;INTERVAL=999", OLD),
    ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", NEW),
    ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=999", OLD),
    ("FREQ=DAILY;INTERVAL=2;BYMONTHDAY=31;BYDAY=FR;COUNT=999", OLD),
    ("FREQ=WEEKLY;INTERVAL=52;BYMONTH=2", NEW),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=5;BYMONTH=2;COUNT=999", OLD),
    ("FREQ=MONTHLY;BYMONTHDAY=29;BYMONTH=2;BYDAY=MO;COUNT=999", OLD),
    ("FREQ=MONTHLY;BYMONTHDAY=1,2,3;BYSETPOS=31", NEW),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU;COUNT=999", OLD),
    ("FREQ=YEARLY;BYDAY=53MO,-53TU;BYSETPOS=3", NEW),
    ("FREQ=YEARLY;BYDAY=" + ",".join(f"{number}MO" for number in range(1, 54)), OLD),
    (
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=999;BYSETPOS="
        + ",".join(str(number) for number in range(200, 300)),
        OLD,
    ),
    ("X" * 500, NEW),
]


def _first_and_next(rule: str, anchor: date) -> None:
    """Parse a rule, find its first day, and list the 50 next ones."""
    parse_rule.cache_clear()
    _last_by_count.cache_clear()
    try:
        recurrence, _ = begin(rule, RecurrenceMode.SCHEDULE, TimeZoneName("Europe/Berlin"), anchor)
    except RuleError:
        return
    list(islice(recurrence.following(anchor, NOW), 50))


def _median_ms(run: Callable[[], None]) -> float:
    times = []
    for _ in range(RUNS):
        start = process_time_ns()
        run()
        times.append(process_time_ns() - start)
    return median(times) / 1e6


def main() -> int:
    """Print the times; 1 if one is above the limit."""
    worst = 0.0
    for rule, anchor in RULES:
        taken = _median_ms(lambda rule=rule, anchor=anchor: _first_and_next(rule, anchor))  # type: ignore[misc]
        worst = max(worst, taken)
        print(f"{taken:7.2f} ms  {anchor}  {rule[:90]}")
    print(f"worst {worst:.2f} ms, at most {LIMIT_MS} ms")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
