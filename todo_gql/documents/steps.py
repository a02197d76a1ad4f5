"""Work in steps, between which the caller may let the event loop run other tasks."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

Outcome = TypeVar("Outcome")
Steps: TypeAlias = Generator[None, None, Outcome]
"""A generator that yields after each step, and returns the outcome."""


def run_steps(steps: Steps[Outcome]) -> Outcome:
    """Run all steps without a pause; returns the outcome."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome
