"""Files that were changed at random: each is read or refused, in bounded work and memory."""

import json
import os
import subprocess
import sys

from tests.support.mutations import mutations

# `make fuzz-imports` tries hundreds, by another seed.
NUMBER = int(os.environ.get("MUTATIONS", "8"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
MAX_MEMORY = 200 * 1024**2


def test_mutations_are_the_same_for_the_same_seed() -> None:
    """A failure can be repeated by its number and the seed."""
    content = b"BEGIN:VCALENDAR\r\n" * 20
    assert list(mutations(content, 20, 1)) == list(mutations(content, 20, 1))
    assert len(set(mutations(content, 20, 1))) > 10


def test_every_mutation_is_read_or_refused() -> None:
    """A file that was changed at random is imported, reported or refused, and nothing else happens."""
    program = [sys.executable, "-m", "tests.support.import_mutations", str(NUMBER), str(SEED)]
    output = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    report = json.loads(output)
    assert report["failures"] == []
    assert report["reads"] >= 20 * NUMBER
    assert report["memory"] < MAX_MEMORY
