"""The grammar of rules: what is a rule, how it is stored, and why others are refused."""

from datetime import date, datetime

import pytest

from todo_gql.api.time_zones import TimeZoneName
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import Recurrence, RecurrenceMode
from todo_gql.recurrence.rules import RuleError

BERLIN = TimeZoneName("Europe/Berlin")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("freq=weekly;byday=fr,mo,fr;interval=1", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("FREQ=WEEKLY;WKST=MO;BYDAY=MO;", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=WEEKLY;WKST=SU;INTERVAL=02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU"),
        ("COUNT=5;FREQ=MONTHLY;BYMONTHDAY=-1,+3,01", "FREQ=MONTHLY;BYMONTHDAY=1,3,-1;COUNT=5"),
        ("FREQ=MONTHLY;BYDAY=-1FR,+1MO", "FREQ=MONTHLY;BYDAY=1MO,-1FR"),
        ("FREQ=YEARLY;BYMONTH=12,06;BYMONTHDAY=31", "FREQ=YEARLY;BYMONTH=6,12;BYMONTHDAY=31"),
        ("FREQ=YEARLY;BYDAY=53TH", "FREQ=YEARLY;BYDAY=53TH"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"),
        ("FREQ=DAILY;UNTIL=20270101", "FREQ=DAILY;UNTIL=20270101"),
        ("FREQ=DAILY;UNTIL=20270101T120000Z", "FREQ=DAILY;UNTIL=20270101T120000Z"),
    ],
)
def test_a_rule_is_stored_in_one_form(sent: str, stored: str) -> None:
    """A rule is stored in upper case, sorted, without what says nothing, and means the same again."""
    assert str(parse_rule(sent)) == stored
    assert parse_rule(stored) == parse_rule(sent)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "An empty text is no part of a rule"),
        (";", "An empty text is no part of a rule"),
        ("FREQ=DAILY;;", "An empty text is no part of a rule"),
        ("RRULE:FREQ=DAILY", "is no part of a rule"),
        ("FREQ=DAILY; COUNT=3", "“ COUNT=3” is no part of a rule"),
        ("FREQ =DAILY", "is no part of a rule"),
        ("FREQ=DAILY\n", "is no part of a rule"),
        ("FREQ=DAILY;COUNT", "is no part of a rule"),
        ("FREQ=DAILY;COUNT=", "is no part of a rule"),
        ("FREQ=DAILY;ıNTERVAL=2", "ASCII"),  # noqa: RUF001
        ("FREQ=DAILY;COUNT=٣", "ASCII"),
        ("INTERVAL=2", "needs FREQ"),
        ("FREQ=HOURLY", "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=MINUTELY", "FREQ is one of"),
        ("FREQ=SECONDLY", "FREQ is one of"),
        ("FREQ=DAILY,WEEKLY", "FREQ is one of"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ may be there only once"),
        ("FREQ=DAILY;COUNT=2;COUNT=2", "COUNT may be there only once"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is a number from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=1000", "INTERVAL is a number from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL is a number from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=+1", "INTERVAL is a number from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=2,3", "INTERVAL is a number from 1 to 999"),
        ("FREQ=DAILY;COUNT=0", "COUNT is a number from 1 to 999"),
        ("FREQ=DAILY;COUNT=1000", "COUNT is a number from 1 to 999"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "not by both"),
        ("FREQ=DAILY;UNTIL=20270230", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=20270101T250000Z", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=20270101T240000", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=2027-01-01", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=20270101Z", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=99991231", "UNTIL is like"),
        ("FREQ=DAILY;UNTIL=00010101T000000Z", "UNTIL is like"),
        ("FREQ=DAILY;BYHOUR=9", "“BYHOUR” is not supported: a todo repeats at its own time of day"),
        ("FREQ=DAILY;BYMINUTE=9", "not supported"),
        ("FREQ=DAILY;BYSECOND=9", "not supported"),
        ("FREQ=YEARLY;BYWEEKNO=20", "“BYWEEKNO” is not supported"),
        ("FREQ=YEARLY;BYYEARDAY=100", "“BYYEARDAY” is not supported"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD", "“RSCALE” is not supported"),
        ("FREQ=MONTHLY;SKIP=BACKWARD", "“SKIP” is not supported"),
        ("FREQ=DAILY;DTSTART=20270101", "“DTSTART” is not supported"),
        ("FREQ=DAILY;X-NAME=1", "“X-NAME” is not supported"),
        ("FREQ=DAILY;BYMONTH=0", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=-1", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=1,,2", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=DAILY;BYMONTH=5L", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY has numbers from 1 to 31, or -31 to -1"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY has numbers from 1 to 31"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "can't be part of a weekly rule"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTHDAY needs BYMONTH in a yearly rule"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "There is no such day in February"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-30", "no such day in February"),
        ("FREQ=MONTHLY;BYMONTH=2,4,6;BYMONTHDAY=31", "no such day in February or April or June"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY has days of the week"),
        ("FREQ=WEEKLY;BYDAY=MONDAY", "BYDAY has days of the week"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY has days of the week"),
        ("FREQ=YEARLY;BYDAY=54MO", "BYDAY has days of the week"),
        ("FREQ=WEEKLY;BYDAY=2MO", "only in monthly and yearly rules"),
        ("FREQ=DAILY;BYDAY=-1MO", "only in monthly and yearly rules"),
        ("FREQ=MONTHLY;BYDAY=6MO", "numbers of BYDAY end at 5"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-6MO", "numbers of BYDAY end at 5"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another BY part"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS has numbers from 1 to 366"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "BYSETPOS has numbers from 1 to 366"),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "BYSETPOS chooses from at most 1"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-3", "BYSETPOS chooses from at most 2"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=32", "BYSETPOS chooses from at most 31"),
        ("FREQ=DAILY;WKST=1", "WKST is one of"),
        ("FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 200), "at most 500 characters"),
        ("X" * 500, "is no part of a rule"),
    ],
)
def test_what_is_no_supported_rule_is_refused(rule: str, reason: str) -> None:
    """What isn't supported, isn't valid or could never happen is refused, with its reason."""
    with pytest.raises(RuleError) as refused:
        parse_rule(rule)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", date(2026, 11, 30)),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", date(2027, 1, 1)),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=5", date(2026, 11, 30)),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=31", date(2026, 11, 30)),
        ("FREQ=DAILY;UNTIL=20261129", date(2026, 11, 30)),
        ("FREQ=DAILY;UNTIL=20261130T075959Z", datetime.fromisoformat("2026-11-30T08:00:00Z")),
        ("FREQ=YEARLY", date(9999, 12, 31)),
    ],
)
def test_a_rule_without_any_day_is_refused(rule: str, due: date | datetime) -> None:
    """A rule that has no day on or after the due date is refused, whichever of its parts is why."""
    if due == date(9999, 12, 31):
        # The last day of the calendar is its own and only occurrence.
        assert begin(rule, RecurrenceMode.SCHEDULE, BERLIN, due).moved_to is None
        return
    with pytest.raises(RuleError, match="no day on or after the due date"):
        begin(rule, RecurrenceMode.SCHEDULE, BERLIN, due)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=MO",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=YEARLY;BYMONTH=2",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1",
        "FREQ=WEEKLY;WKST=SU",
    ],
)
def test_days_of_a_schedule_are_refused_when_counting_from_completion(rule: str) -> None:
    """A rule that counts from completion has no part that names days."""
    with pytest.raises(RuleError, match="FREQ, INTERVAL, COUNT and UNTIL only"):
        begin(rule, RecurrenceMode.COMPLETION, BERLIN, date(2026, 11, 30))


@pytest.mark.parametrize(
    ("rule", "due", "stored"),
    [
        ("FREQ=MONTHLY", "2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
        ("FREQ=MONTHLY", "2026-01-30", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"),
        (
            "FREQ=MONTHLY;INTERVAL=2;COUNT=4",
            "2026-01-29",
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=28,29;BYSETPOS=-1;COUNT=4",
        ),
        ("FREQ=MONTHLY", "2026-01-28", "FREQ=MONTHLY"),
        ("FREQ=YEARLY", "2028-02-29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
        ("FREQ=YEARLY", "2028-01-31", "FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=31"),
        # 23:30 in UTC is the 31st in Berlin already, and the other way round.
        (
            "FREQ=MONTHLY",
            "2026-01-30T23:30:00Z",
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
        ),
        ("FREQ=MONTHLY", "2026-01-31T23:30:00Z", "FREQ=MONTHLY"),
        ("FREQ=DAILY;UNTIL=20270328", "2027-03-01", "FREQ=DAILY;UNTIL=20270328"),
        ("FREQ=DAILY;UNTIL=20270328T233000Z", "2027-03-01", "FREQ=DAILY;UNTIL=20270329"),
        ("FREQ=DAILY;UNTIL=20270328T233000", "2027-03-01", "FREQ=DAILY;UNTIL=20270328"),
        ("FREQ=DAILY;UNTIL=20270328", "2027-03-01T08:00:00Z", "FREQ=DAILY;UNTIL=20270328T215959Z"),
        ("FREQ=DAILY;UNTIL=20270327", "2027-03-01T08:00:00Z", "FREQ=DAILY;UNTIL=20270327T225959Z"),
        (
            "FREQ=DAILY;UNTIL=20270328T090000",
            "2027-03-01T08:00:00Z",
            "FREQ=DAILY;UNTIL=20270328T070000Z",
        ),
    ],
)
def test_a_rule_is_made_exact_for_its_first_due_date(rule: str, due: str, stored: str) -> None:
    """Month ends and UNTIL are stored so that every reader of RFC 5545 finds the same days."""
    moment = datetime.fromisoformat(due) if "T" in due else date.fromisoformat(due)
    recurrence, _ = begin(rule, RecurrenceMode.SCHEDULE, BERLIN, moment)
    assert str(recurrence.rule) == stored
    again, moved_to = begin(stored, RecurrenceMode.SCHEDULE, BERLIN, moment)
    assert (again, moved_to) == (recurrence, None)
    assert Recurrence.from_json(recurrence.to_json()) == recurrence


@pytest.mark.parametrize(
    ("rule", "due", "moved"),
    [
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2026-11-27", "2026-11-30"),
        ("FREQ=WEEKLY;BYDAY=FR", "2026-11-27", None),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-27", "2026-11-30"),
        ("FREQ=MONTHLY;BYMONTH=5", "2026-11-27", "2027-05-27"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-27", "2026-12-07"),
        ("FREQ=WEEKLY;BYDAY=MO", "2026-11-27T23:30:00Z", "2026-11-29T23:30:00Z"),
        ("FREQ=WEEKLY;BYDAY=SA", "2026-11-27T23:30:00Z", None),
        # The second 02:30 of the night is a day of the rule, and stays the second one.
        ("FREQ=DAILY", "2026-10-25T01:30:00Z", None),
        ("FREQ=DAILY", "2026-11-27T09:00:00.5Z", None),
    ],
)
def test_a_due_date_outside_its_rule_moves_to_the_first_day(
    rule: str, due: str, moved: str | None
) -> None:
    """A due date that the rule doesn't choose moves to the first day after it that the rule chooses."""
    moment = datetime.fromisoformat(due) if "T" in due else date.fromisoformat(due)
    recurrence, moved_to = begin(rule, RecurrenceMode.SCHEDULE, BERLIN, moment)
    first = moved_to and (moved_to.at or moved_to.date)
    wanted = moved and (
        datetime.fromisoformat(moved) if "T" in moved else date.fromisoformat(moved)
    )
    assert first == wanted
    assert next(recurrence.series.on_or_after(date.min)).date == recurrence.anchor
