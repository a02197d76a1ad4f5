"""When events that failed are sent again."""

from datetime import timedelta

import pytest

from todo_gql.features.webhooks.schedule import delay_after

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# Of Standard Webhooks, after the first attempt.
RECOMMENDED = [
    *(5 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24)),
]


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    """Ten attempts are made, with the recommended times between them."""
    assert [delay_after(failures, None) for failures in range(1, 11)] == [*RECOMMENDED, None]


@pytest.mark.parametrize(
    ("failures", "asked", "expected"),
    [
        (1, SECOND, 5 * SECOND),
        (1, HOUR, HOUR),
        (4, HOUR, 2 * HOUR),
        (1, 1_000 * HOUR, 24 * HOUR),
        (10, HOUR, None),
    ],
)
def test_a_longer_wait_that_is_asked_for_is_honoured(
    failures: int, asked: timedelta, expected: timedelta | None
) -> None:
    """Retry-After makes a wait longer, never shorter, and at most a day."""
    assert delay_after(failures, asked) == expected
