"""What was asked of a server, and what it said to that."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx

Todo = dict[str, Any]


class Outcome(Enum):
    """What is known of a write."""

    ACKNOWLEDGED = "it was done"
    REFUSED = "nothing was done"
    UNKNOWN = "it was done or not"


@dataclass(eq=False)
class Write:
    """One mutation, sent once, or until it is known whether it was done.

    `marker` is in what it would write of each todo of `ids`, and in nothing else.
    """

    field: str
    variables: dict[str, Any]
    ids: Sequence[str]
    marker: str | None = None
    outcome: Outcome = Outcome.REFUSED
    told: list[Todo] = dataclasses.field(default_factory=list)
    """The todos as the answer says that they are now."""

    def learn(self, outcome: Outcome) -> None:
        """Note what one more try says; that it did nothing says nothing of those before."""
        if self.outcome is not Outcome.UNKNOWN or outcome is not Outcome.REFUSED:
            self.outcome = outcome


class Unexpected(AssertionError):
    """An answer that no fault excuses."""


def codes_of(answer: httpx.Response) -> set[str]:
    """The codes of an answer's top-level errors."""
    return {error["extensions"]["code"] for error in answer.json().get("errors", ())}


def note(write: Write, answer: httpx.Response) -> bool:
    """Note what an answer says of a write; whether it is the last word.

    `Unexpected` if it says what a server never may.
    """
    body = answer.json()
    payload = (body.get("data") or {}).get(write.field)
    if payload is not None:
        _note_payload(write, payload)
        return True
    [error] = body["errors"]
    code, reason = error["extensions"]["code"], error["extensions"].get("reason")
    retry = answer.headers.get("retry-after")
    if not (code == "TIMEOUT" or (code, answer.status_code, retry) == ("UNAVAILABLE", 503, "1")):
        raise Unexpected(f"{answer.status_code} {answer.headers} {answer.text}")
    write.learn(Outcome.UNKNOWN if reason == "OUTCOME_UNKNOWN" else Outcome.REFUSED)
    return False


def _note_payload(write: Write, payload: dict[str, Any]) -> None:
    codes = {error["code"] for error in payload["errors"]}
    if codes == {"ALREADY_EXISTS"}:
        # An earlier try has made it, and it may have changed since.
        write.learn(Outcome.ACKNOWLEDGED)
    elif codes:
        write.learn(Outcome.REFUSED)
    elif "results" in payload:
        done = [item for item in payload["results"] if not item["errors"]]
        write.ids = [item["id"] for item in done]
        write.told = [item["todo"] for item in done if item["todo"]]
        write.learn(Outcome.ACKNOWLEDGED)
    else:
        write.told = [payload["todo"]] if payload["todo"] else []
        write.learn(Outcome.ACKNOWLEDGED)
