"""Repetitions in words, such as "every other Friday at 9am", as recurrence rules.

What a rule doesn't say as a whole is no rule: words that are passed over would make it a wrong one.
"""

import re
from dataclasses import dataclass
from datetime import time
from typing import Final

MAX_LENGTH: Final = 100
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORKDAYS: Final = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
_WEEKEND: Final = "FREQ=WEEKLY;BYDAY=SA,SU"
_MAX_MONTH_DAY: Final = 31
_TIME: Final = re.compile(
    r"(?:^|\s)(?:(?:at|um|a las|a la|à|@)\s)?"
    r"(?:([0-9]{1,2})[:.h]([0-9]{2})\s?(am|pm)?|([0-9]{1,2})\s?(am|pm|uhr|h))$"
)
_SEPARATORS: Final = re.compile(r"\s?(?:,|/|\s(?:and|und|y|et)\s)\s?")
_ORDINAL: Final = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.|º|er|e)")


@dataclass(frozen=True)
class _Language:
    """The words of a language; units and weekdays by each of their forms."""

    every: tuple[str, ...]
    units: dict[str, str]
    adverbs: dict[str, str]
    weekdays: dict[str, str]
    months: dict[str, int]
    other: tuple[str, ...]
    workdays: tuple[str, ...]
    weekends: tuple[str, ...]
    ordinals: dict[str, int]
    numbers: dict[str, int]


def _forms(*groups: str) -> dict[str, int]:
    """Each word of each group with the number of its group, from 1."""
    return {word: index for index, group in enumerate(groups, 1) for word in group.split()}


def _days(*groups: str) -> dict[str, str]:
    return {word: _WEEKDAYS[index - 1] for word, index in _forms(*groups).items()}


def _units(*groups: str) -> dict[str, str]:
    names = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
    return {word: names[index - 1] for word, index in _forms(*groups).items()}


_LANGUAGES: Final = {
    "en": _Language(
        every=("every", "each", "ev"),
        units=_units("day days", "week weeks", "month months", "year years"),
        adverbs=_units("daily", "weekly", "monthly", "yearly annually"),
        weekdays=_days(
            "monday mondays mon", "tuesday tuesdays tue tues", "wednesday wednesdays wed",
            "thursday thursdays thu thur thurs", "friday fridays fri", "saturday saturdays sat",
            "sunday sundays sun",
        ),
        months=_forms(
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
            "aug august", "sep sept september", "oct october", "nov november", "dec december",
        ),
        other=("other",),
        workdays=("weekday", "weekdays", "workday", "workdays"),
        weekends=("weekend", "weekends"),
        ordinals={**_forms("first", "second", "third", "fourth"), "last": -1},
        numbers=_forms("one", "two", "three", "four", "five", "six"),
    ),
    "de": _Language(
        every=("jeden", "jede", "jedes", "jeder", "alle"),
        units=_units("tag tage", "woche wochen", "monat monate", "jahr jahre"),
        adverbs=_units("täglich", "wöchentlich", "monatlich", "jährlich"),
        weekdays=_days(
            "montag montags mo", "dienstag dienstags di", "mittwoch mittwochs mi",
            "donnerstag donnerstags do", "freitag freitags fr", "samstag samstags sa sonnabend",
            "sonntag sonntags so",
        ),
        months=_forms(
            "jan januar", "feb februar", "mär märz", "apr april", "mai", "jun juni", "jul juli",
            "aug august", "sep september", "okt oktober", "nov november", "dez dezember",
        ),
        other=(),
        workdays=("werktag", "werktage", "arbeitstag", "wochentag"),
        weekends=("wochenende",),
        ordinals={**_forms("ersten", "zweiten", "dritten", "vierten"), "letzten": -1},
        numbers=_forms("ein", "zwei", "drei", "vier", "fünf", "sechs"),
    ),
    "es": _Language(
        every=("cada", "todos los", "todas las"),
        units=_units("día días dia dias", "semana semanas", "mes meses", "año años"),
        adverbs=_units("diariamente", "semanalmente", "mensualmente", "anualmente"),
        weekdays=_days(
            "lunes lun", "martes mar", "miércoles miercoles mié mie", "jueves jue", "viernes vie",
            "sábado sábados sabado sabados sáb sab", "domingo domingos dom",
        ),
        months=_forms(
            "ene enero", "feb febrero", "marzo", "abr abril", "may mayo", "jun junio", "jul julio",
            "ago agosto", "sep septiembre", "oct octubre", "nov noviembre", "dic diciembre",
        ),
        other=(),
        workdays=("día laborable", "días laborables"),
        weekends=("fin de semana",),
        ordinals={**_forms("primer", "segundo", "tercer", "cuarto"), "último": -1},
        numbers=_forms("un una", "dos", "tres", "cuatro", "cinco", "seis"),
    ),
    "fr": _Language(
        every=("chaque", "tous les", "toutes les"),
        units=_units("jour jours", "semaine semaines", "mois", "an ans année années"),
        adverbs=_units("quotidiennement", "hebdomadairement", "mensuellement", "annuellement"),
        weekdays=_days(
            "lundi lundis lun", "mardi mardis mar", "mercredi mercredis mer", "jeudi jeudis jeu",
            "vendredi vendredis ven", "samedi samedis sam", "dimanche dimanches dim",
        ),
        months=_forms(
            "jan janvier", "fév février", "mars", "avr avril", "mai", "juin", "juil juillet", "août",
            "sep septembre", "oct octobre", "nov novembre", "déc décembre",
        ),
        other=(),
        workdays=("jour ouvrable", "jours ouvrables"),
        weekends=("week-end", "weekend", "week-ends", "weekends"),
        ordinals={**_forms("premier", "deuxième", "troisième", "quatrième"), "dernier": -1},
        numbers=_forms("un une", "deux", "trois", "quatre", "cinq", "six"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Repetition:
    """What words of a repetition mean; `clock` is the time of day that they name."""

    rule: str
    clock: time | None = None
    from_completion: bool = False


def parse_repetition(text: str, language: str) -> Repetition | None:
    """The repetition that a text in English, German, Spanish or French means as a whole; None for all else.

    "every!" and "after" count from completion.
    """
    words = _LANGUAGES.get(language.lower().replace("-", "_").split("_")[0])
    if words is None or len(text) > MAX_LENGTH:
        return None
    rest = " ".join(text.lower().split())
    match = _TIME.search(rest)
    clock = _clock(match) if match else None
    if match and clock is None:
        return None
    rest = rest[: match.start()].strip() if match else rest
    if unit := words.adverbs.get(rest):
        return Repetition(f"FREQ={unit}", clock)
    from_completion = False
    for every in words.every:
        if rest.startswith((f"{every} ", f"{every}! ")):
            from_completion = rest[len(every)] == "!"
            rest = rest[len(every) :].lstrip("! ")
            break
    else:
        if not (words is _LANGUAGES["en"] and rest.startswith("after ")):
            return None
        rest, from_completion = rest.removeprefix("after "), True
    rule = _rule(rest, words)
    if rule is None or (from_completion and "BY" in rule):
        return None
    return Repetition(rule, clock, from_completion)


def _clock(match: re.Match[str]) -> time | None:
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    half = match[3] or match[5]
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:  # noqa: PLR2004 # a clock of twelve hours
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        return None


def _rule(text: str, words: _Language) -> str | None:
    if text in words.workdays:
        return _WORKDAYS
    if text in words.weekends:
        return _WEEKEND
    parts = text.split()
    interval = _interval(parts, words)
    if interval is not None and len(parts) == 2 and parts[1] in words.units:  # noqa: PLR2004 # number and unit
        return f"FREQ={words.units[parts[1]]};INTERVAL={interval}"
    if len(parts) == 1 and parts[0] in words.units:
        return f"FREQ={words.units[parts[0]]}"
    if len(parts) == 2 and parts[0] in words.other and parts[1] in words.weekdays:  # noqa: PLR2004 # other and day
        return f"FREQ=WEEKLY;INTERVAL=2;BYDAY={words.weekdays[parts[1]]}"
    return _weekdays(text, words) or _month_day(parts, words)


def _interval(parts: list[str], words: _Language) -> int | None:
    """The number before a unit, 2 for every other one."""
    if not parts:
        return None
    if parts[0] in words.other:
        return 2
    if parts[0].isascii() and parts[0].isdecimal() and 0 < int(parts[0][:4]) <= 999:  # noqa: PLR2004 # of three digits
        return int(parts[0][:4])
    return words.numbers.get(parts[0])


def _weekdays(text: str, words: _Language) -> str | None:
    """Days of the week, one or several."""
    names = _SEPARATORS.split(text)
    if not all(name in words.weekdays for name in names):
        return None
    return f"FREQ=WEEKLY;BYDAY={','.join(dict.fromkeys(words.weekdays[name] for name in names))}"


def _month_day(parts: list[str], words: _Language) -> str | None:
    """A day of each month or year: "15th", "last day", "3rd friday", "4 jan", "jan 4"."""
    match parts:
        case [first] if ordinal := _ordinal(first, words):
            return _by_month_day(ordinal)
        case [first, second] if (ordinal := _ordinal(first, words)) and second in words.weekdays:
            return f"FREQ=MONTHLY;BYDAY={ordinal}{words.weekdays[second]}" if ordinal < 6 else None  # noqa: PLR2004 # a month has five
        # "Every 2nd day" is the second of a month for some, and every other day for others.
        case [first, second] if (
            words.ordinals.get(first) == -1 and words.units.get(second) == "DAILY"
        ):
            return _by_month_day(-1)
        case [first, second]:
            for day, month in ((first, second), (second, first)):
                number = _ordinal(day, words) or (
                    int(day[:3]) if day.isascii() and day.isdecimal() else 0
                )
                if month in words.months and 0 < number <= _MAX_MONTH_DAY:
                    return f"FREQ=YEARLY;BYMONTH={words.months[month]};BYMONTHDAY={number}"
    return None


def _ordinal(word: str, words: _Language) -> int:
    match = _ORDINAL.fullmatch(word)
    return int(match[1]) if match else words.ordinals.get(word, 0)


def _by_month_day(day: int) -> str | None:
    return f"FREQ=MONTHLY;BYMONTHDAY={day}" if day <= _MAX_MONTH_DAY else None
