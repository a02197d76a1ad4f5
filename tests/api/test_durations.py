"""Durations as ISO 8601 writes them."""

from datetime import timedelta

import pytest

from todo_gql.api.durations import Duration


@pytest.mark.parametrize(
    ("text", "canonical", "days", "time"),
    [
        ("PT15M", "PT15M", 0, timedelta(minutes=15)),
        ("-PT15M", "-PT15M", 0, timedelta(minutes=-15)),
        ("+PT15M", "PT15M", 0, timedelta(minutes=15)),
        ("-p1dt2h3m4s", "-P1DT2H3M4S", -1, -timedelta(hours=2, minutes=3, seconds=4)),
        ("P2W", "P2W", 14, timedelta()),
        ("P1W2D", "P1W2D", 9, timedelta()),
        ("P007D", "P7D", 7, timedelta()),
        ("P1DT0H", "P1D", 1, timedelta()),
        # A day of the wall clock isn't always 24 hours, and 90 minutes stay as they were written.
        ("PT24H", "PT24H", 0, timedelta(hours=24)),
        ("PT90M", "PT90M", 0, timedelta(minutes=90)),
        ("P0D", "PT0S", 0, timedelta()),
        ("-PT0S", "PT0S", 0, timedelta()),
        ("P999999999W", "P999999999W", 6_999_999_993, timedelta()),
    ],
)
def test_duration(text: str, canonical: str, days: int, time: timedelta) -> None:
    """A duration is read by its parts, and written without those that are 0."""
    duration = Duration.parse(text)
    assert (str(duration), duration.whole_days, duration.time) == (canonical, days, time)
    assert Duration.parse(canonical) == duration._replace(is_negative=canonical.startswith("-"))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "P",
            "PT",
            "-P",
            "P1",
            "1D",
            "P1DT",
            "PT1",
            "PD",
            "P1H",
            "PT1D",
            "P1M",
            "P1Y",
            "P1Y2M",
        ),
        *(
            "PT1.5H",
            "PT1,5H",
            "P-1D",
            "--P1D",
            "P1D ",
            " P1D",
            "PT1M1H",
            "P1D1W",
            "P1D1D",
            "P1DT1H1H",
        ),
        *("PT1234567890S", "P" + "0" * 60 + "1D", "P\u0661D", "PT1S\n", "P1W-2D", "15"),
    ],
)
def test_what_is_no_duration(text: str) -> None:
    """Years, months, fractions and everything else are refused with what can be written."""
    with pytest.raises(ValueError, match="weeks, days, hours, minutes and seconds"):
        Duration.parse(text)
