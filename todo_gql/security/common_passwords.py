"""Common passwords that the rules on characters would accept."""

from functools import cache

from zxcvbn.frequency_lists import FREQUENCY_LISTS

# Passwords that became common after zxcvbn's list: these words with a year, and spellings with @.
WORDS_BEFORE_A_YEAR = [
    "password",
    "welcome",
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "friday",
]
YEARS = range(2010, 2031)
SPELLINGS = [
    "pass@123",
    "password@1",
    "password@12",
    "password@123",
    "password@1234",
    "p@ssw0rd1",
    "p@ssw0rd12",
    "p@ssw0rd123",
    "p@ssw0rd1234",
    "p@ssword1",
    "p@ssword123",
    "admin@123",
    "admin@1234",
    "admin1234",
    "welcome@1",
    "welcome@123",
    "welcome@1234",
    "abcd@1234",
    "abc@1234",
    "qwerty@123",
    "india@123",
    "aa@123456",
]


def _passes_character_rules(password: str, shortest: int) -> bool:
    letters = sum(map(str.isalpha, password))
    return len(password) >= shortest and letters > 1 and any(map(str.isdecimal, password))


@cache
def common_passwords(shortest: int) -> frozenset[str]:
    """The common passwords of at least `shortest` characters, in lower case."""
    with_years = (f"{word}{year}" for word in WORDS_BEFORE_A_YEAR for year in YEARS)
    candidates = (*FREQUENCY_LISTS["passwords"], *with_years, *SPELLINGS)
    return frozenset(p for p in candidates if _passes_character_rules(p, shortest))
