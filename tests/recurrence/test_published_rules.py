"""Rules whose days others publish: what libical's tests expect of them."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import Series

SUPPORTED, REFUSED = (
    [line for line in part.splitlines() if line and not line.startswith("#")]
    for part in (Path(__file__).parent / "published_rules.txt").read_text().split("## refused")
)


@pytest.mark.parametrize("line", SUPPORTED)
def test_days_are_those_that_are_published(line: str) -> None:
    """A supported rule has the days that are published for it, and no other ones."""
    rule, start, expected = line.split(" | ")
    series = _series(rule, start)
    days = [day for span in expected.split() for day in _days(span)]
    more_than_all = islice(series.on_or_after(series.anchor), len(days) + 1)
    assert [one.date for one in more_than_all] == days


@pytest.mark.parametrize("rule", REFUSED)
def test_unsupported_rules_are_refused(rule: str) -> None:
    """A published rule that isn't supported is refused with a reason."""
    with pytest.raises(RuleError, match=r"\.$"):
        parse_rule(rule)


def _series(rule: str, start: str) -> Series:
    if "T" not in start:
        return Series(parse_rule(rule), date.fromisoformat(start))
    moment = datetime.fromisoformat(start.removesuffix("Z")).replace(tzinfo=UTC)
    return Series(parse_rule(rule), moment.date(), moment.time())


def _days(span: str) -> list[date]:
    day, _, more = span.partition("+")
    first = date.fromisoformat(day)
    return [first + timedelta(number) for number in range(int(more or 0) + 1)]
