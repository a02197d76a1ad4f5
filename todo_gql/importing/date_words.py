"""Dates in words of many languages, such as "tomorrow at 9", by dateparser and by the rules of repetitions."""

import re
from datetime import datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from dateparser.date import DateDataParser

from todo_gql.api.time_zones import TimeZoneName
from todo_gql.importing.moments import due_at, in_utc, parse_day
from todo_gql.importing.records import ImportedDate
from todo_gql.importing.repeat_words import parse_repetition
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import RecurrenceMode
from todo_gql.recurrence.rules import RuleError

MAX_LENGTH: Final = 60
# Each takes a millisecond or more, so that a file of nothing but different texts stays bounded.
MAX_TEXTS: Final = 5_000
# Day and month, or month and day: nobody can know.
_AMBIGUOUS: Final = re.compile(r"(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|1[0-2])(?:[/.-][0-9]{2,4})?\b.*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_ISO: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}))?")
# The only language of these whose speakers disagree about the order.
_WITHOUT_ORDER: Final = "en"


class DateInWords(NamedTuple):
    """What a text means: a due date, and the rule by which it repeats."""

    due: ImportedDate
    rule: str | None = None
    from_completion: bool = False


class WordReader:
    """Reads dates in words from one moment on; each text once, and at most `MAX_TEXTS` by dateparser."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._parsers: dict[tuple[str, datetime, str], DateDataParser] = {}
        self._results: dict[tuple[str, str, str], DateInWords | None] = {}

    def read(self, text: str, language: str, zone: ZoneInfo) -> DateInWords | None:
        """What a text means in a language and on a zone's clock; None if that isn't certain."""
        words = " ".join(text[: 2 * MAX_LENGTH].split())
        if not words or len(words) > MAX_LENGTH:
            return None
        key = (words.lower(), language, zone.key)
        if key in self._results:
            return self._results[key]
        result = self._exact(words, zone) or self._repeating(words, language, zone)
        if result is None and len(self._results) < MAX_TEXTS:
            result = self._parsed(words, language, zone)
            self._results[key] = result
        return result

    def _exact(self, text: str, zone: ZoneInfo) -> DateInWords | None:
        match = _ISO.fullmatch(text)
        day = parse_day(match[1]) if match else None
        if match is None or day is None:
            return None
        if match[2] is None:
            return DateInWords(ImportedDate(day=day))
        try:
            clock = time.fromisoformat(match[2])
        except ValueError:
            return None
        return _at(datetime.combine(day, clock), zone)

    def _repeating(self, text: str, language: str, zone: ZoneInfo) -> DateInWords | None:
        """The first day from today on that a repetition chooses, with its rule."""
        repetition = parse_repetition(text, language)
        if repetition is None:
            return None
        today = self._now.astimezone(zone).date()
        mode = RecurrenceMode.COMPLETION if repetition.from_completion else RecurrenceMode.SCHEDULE
        try:
            first = begin(repetition.rule, mode, TimeZoneName(zone.key), today)
        except RuleError:
            return None
        day = first.moved_to.date if first.moved_to else today
        due: ImportedDate | None = ImportedDate(day=day)
        if repetition.clock is not None:
            date = _at(datetime.combine(day, repetition.clock), zone)
            due = date.due if date else None
        return DateInWords(due, repetition.rule, repetition.from_completion) if due else None

    def _parsed(self, text: str, language: str, zone: ZoneInfo) -> DateInWords | None:
        code = language.lower().replace("_", "-").split("-")[0] or "en"
        if not _LETTER.search(text) or (code == _WITHOUT_ORDER and _AMBIGUOUS.match(text)):
            return None
        midnight = datetime.combine(self._now.astimezone(zone).date(), time())
        try:
            data = self._parser(code, midnight, "future").get_date_data(text)
            # The date of today isn't in the future for it, and would be that of next year.
            if _is_same_day_next_year(data.date_obj, midnight):
                data = self._parser(code, midnight, "current_period").get_date_data(text)
        except (ValueError, OverflowError, TypeError):
            return None
        moment = data.date_obj
        if moment is None:
            return None
        if data.period == "time":
            return _at(moment.replace(tzinfo=None), zone)
        day = parse_day(moment.date().isoformat())
        return DateInWords(ImportedDate(day=day)) if data.period == "day" and day else None

    def _parser(self, code: str, midnight: datetime, prefer: str) -> DateDataParser:
        """A parser of a language, which takes a tenth of a second to make; raises `ValueError` for an unknown one."""
        key = (code, midnight, prefer)
        if key not in self._parsers:
            settings = {
                "PREFER_DATES_FROM": prefer,
                "RETURN_TIME_AS_PERIOD": True,
                "RELATIVE_BASE": midnight,
            }
            # Only languages that there are get here twice.
            self._parsers[key] = DateDataParser(languages=[code], settings=settings)
        return self._parsers[key]


def _is_same_day_next_year(moment: datetime | None, midnight: datetime) -> bool:
    return moment is not None and (moment.year, moment.month, moment.day) == (
        midnight.year + 1,
        midnight.month,
        midnight.day,
    )


def _at(local: datetime, zone: ZoneInfo) -> DateInWords | None:
    moment = in_utc(local, zone)
    return DateInWords(due_at(moment, zone)) if moment else None
