"""Work in steps, between which the event loop may serve others."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

Outcome = TypeVar("Outcome")
Steps: TypeAlias = Generator[None, None, Outcome]
"""A generator that yields after each step, and returns the outcome."""


def finished(steps: Steps[Outcome]) -> Outcome:
    """The outcome of all steps, taken at once."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome
