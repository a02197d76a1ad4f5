"""How many examples hypothesis tries, and which."""

import os

import hypothesis

# Every run tries the same examples; `make fuzz` tries others, in the number that is set.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))


def register_profiles() -> None:
    """Load the profile "steady"; "fuzz" can be chosen instead on pytest's command line."""
    hypothesis.settings.register_profile(
        "steady", derandomize=True, max_examples=20, deadline=None, database=None
    )
    hypothesis.settings.register_profile(
        "fuzz", max_examples=EXAMPLES, deadline=None, database=None
    )
    hypothesis.settings.load_profile("steady")
