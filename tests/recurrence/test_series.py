"""Series of any rules: compared with a reckoning day by day, and how many intervals they look at."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, reject
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.recurrence.reckoning import Reckoning, moment
from todo_gql.api.time_zones import time_zone
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import MAX_PERIODS, Series, Steps

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
YEARS = {"DAILY": 2, "WEEKLY": 2, "MONTHLY": 5, "YEARLY": 12}
ANCHORS = st.dates(date(1999, 1, 1), date(2032, 12, 31))


def _listed(values: st.SearchStrategy[object], most: int) -> st.SearchStrategy[str]:
    texts = st.lists(values.map(str), min_size=1, max_size=most)
    return texts.map(",".join)


def _signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most) | st.integers(-most, -1)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules of the grammar: each part is there or not, whatever the others are."""
    frequency = draw(st.sampled_from(sorted(YEARS)))
    weekdays = st.sampled_from(WEEKDAYS)
    if frequency in ("MONTHLY", "YEARLY"):
        ordinals = st.sampled_from([1, 2, 3, 4, 5, -1, -2, -5, 20, 53, -53])
        weekdays |= st.builds("{}{}".format, ordinals, st.sampled_from(WEEKDAYS))
    parts = {
        "INTERVAL": st.sampled_from([1, 1, 2, 3, 5, 7, 13, 28]),
        "BYMONTH": _listed(st.integers(1, 12), 4),
        "BYMONTHDAY": _listed(_signed(31), 4),
        "BYDAY": _listed(weekdays, 4),
        "BYSETPOS": _listed(st.sampled_from([1, 2, 3, -1, -2, 5, -30, 100, 366]), 3),
        "WKST": st.sampled_from(WEEKDAYS),
        "COUNT": st.integers(1, 40),
    }
    names = draw(st.lists(st.sampled_from(sorted(parts)), unique=True, max_size=4))
    return ";".join([f"FREQ={frequency}", *(f"{name}={draw(parts[name])}" for name in names)])


@examples(max_examples=150, deadline=None)
@given(rules(), ANCHORS, st.integers(0, 400))
def test_days_are_those_of_a_reckoning_day_by_day(text: str, anchor: date, later: int) -> None:
    """A series has the days that RFC 5545 gives, from its anchor or from any later day on."""
    try:
        rule = parse_rule(text)
    except RuleError:
        reject()
    last = anchor + timedelta(366 * YEARS[rule.frequency])
    days = list(Reckoning(text, anchor).days(last))
    series, since = Series(rule, anchor), anchor + timedelta(later)
    assert [one.date for one in series.between(anchor, last)] == days
    assert [one.date for one in series.between(since, last)] == [
        day for day in days if day >= since
    ]


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana"]
)
def test_moments_are_those_that_clocks_show(name: str) -> None:
    """Every quarter of an hour on the days around a clock change has the moment that the clock shows."""
    zone = time_zone(name)
    offsets = [datetime(2025, 1, 1, tzinfo=zone) + timedelta(number) for number in range(365)]
    changes = [
        later.date()
        for earlier, later in pairwise(offsets)
        if earlier.utcoffset() != later.utcoffset()
    ]
    assert len(changes) == 2
    for change in changes:
        for minutes in range(0, 24 * 60, 15):
            clock = time(*divmod(minutes, 60))
            series = Series(parse_rule("FREQ=DAILY"), change - timedelta(2), clock, zone)
            days = list(series.between(series.anchor, change + timedelta(1)))
            assert [one.at for one in days] == [moment(one.date, clock, zone) for one in days]
            assert len(days) == 4


def test_a_day_that_clocks_skip_is_no_occurrence_of_its_own() -> None:
    """Each moment comes once in a zone that skipped a whole day, as Samoa did in 2011."""
    zone = time_zone("Pacific/Apia")
    series = Series(parse_rule("FREQ=DAILY"), date(2011, 12, 28), time(9), zone)
    moments = [one.at for one in series.between(date(2011, 12, 28), date(2012, 1, 2)) if one.at]
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert [one.astimezone(zone).day for one in moments] == [28, 29, 31, 1, 2]
    after_the_skip = next(series.after(moments[2])).at
    assert after_the_skip == moments[3]


ADVERSARIAL = [
    ("FREQ=DAILY", date(1, 1, 1)),
    ("FREQ=DAILY;INTERVAL=999", date(1, 1, 1)),
    ("FREQ=DAILY;COUNT=999;INTERVAL=999", date(1, 1, 1)),
    ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", date(2026, 11, 30)),
    ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=999", date(1, 1, 1)),
    ("FREQ=DAILY;INTERVAL=2;BYMONTHDAY=31;BYDAY=FR;COUNT=999", date(1, 1, 1)),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=5;BYMONTH=2;COUNT=999", date(1, 1, 1)),
    ("FREQ=WEEKLY;INTERVAL=52;BYMONTH=2", date(2026, 11, 30)),
    ("FREQ=WEEKLY;INTERVAL=999;BYMONTH=2;COUNT=999", date(1, 1, 1)),
    ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=5", date(2026, 11, 30)),
    ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=28", date(2026, 11, 30)),
    ("FREQ=MONTHLY;BYMONTHDAY=29;BYMONTH=2;BYDAY=MO;COUNT=999", date(1, 1, 1)),
    ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=12", date(2026, 11, 30)),
    ("FREQ=MONTHLY;BYMONTHDAY=1,2,3;BYSETPOS=31", date(1, 1, 1)),
    ("FREQ=YEARLY;BYDAY=53MO,-53TU;BYSETPOS=3", date(2026, 11, 30)),
    ("FREQ=YEARLY;BYDAY=MO;BYSETPOS=60,-60,366", date(1, 1, 1)),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU;COUNT=999", date(1, 1, 1)),
    ("FREQ=YEARLY;INTERVAL=999", date(1, 1, 1)),
    (
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=999;BYSETPOS="
        + ",".join(str(number) for number in range(200, 300)),
        date(1, 1, 1),
    ),
    ("FREQ=YEARLY;BYDAY=" + ",".join(f"{number}MO" for number in range(1, 54)), date(1, 1, 1)),
]


@pytest.mark.parametrize(("text", "anchor"), ADVERSARIAL)
@pytest.mark.parametrize("since", [date(1, 1, 1), date(2026, 11, 30), date(9999, 12, 31)])
def test_no_rule_takes_many_steps(text: str, anchor: date, since: date) -> None:
    """A search ends within bounded intervals, for rare, old, long and impossible rules alike."""
    assert len(text) <= 500
    steps = Steps()
    series = Series(parse_rule(text), anchor)
    found = list(islice(series.on_or_after(since, steps), 50))
    assert steps.used <= MAX_PERIODS
    assert all(earlier < later for earlier, later in pairwise(found))


@pytest.mark.parametrize("text", ["FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=3", "FREQ=MONTHLY"])
def test_an_old_anchor_costs_no_steps(text: str) -> None:
    """The next day of a series that began two thousand years ago takes no more steps than a new one's."""
    steps = Steps()
    assert next(Series(parse_rule(text), date(1, 1, 1)).on_or_after(date(2026, 11, 30), steps))
    assert steps.used <= 2


def test_a_series_of_rare_days_ends_late() -> None:
    """A day that comes once in decades is found, though a search has an end."""
    series = Series(parse_rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"), date(2026, 1, 1))
    assert [one.date.year for one in islice(series.on_or_after(date(2026, 1, 1)), 3)] == [
        *(2044, 2072, 2112)
    ]
    assert next(
        Series(parse_rule("FREQ=YEARLY;INTERVAL=999"), date(2026, 1, 1)).after(
            datetime(2026, 1, 1, tzinfo=UTC)
        )
    ).date == date(3025, 1, 1)
