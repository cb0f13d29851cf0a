"""The errors that may leave our code, and who reacts to each.

AssistantError            `response` names the utterance the person gets
├─ UserInputError         the person can fix it
└─ DependencyError        a service failed; `retryable` says if trying helps
SettingsError             start-up only; lists every wrong variable at once
"""

from __future__ import annotations

from collections.abc import Sequence


class AssistantError(Exception):
    """Something went wrong in a turn; the person gets `response`."""

    response = "utter_erro_interno"


class UserInputError(AssistantError):
    """What the person sent cannot be used; the text says what to do.

    Attributes:
        field: name of the field of the request or form, or "" for the whole.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidPhone(UserInputError):
    """A text that is no telephone number."""


class DependencyError(AssistantError):
    """An outside service failed.

    Attributes:
        retryable: whether the same call may succeed later.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class SettingsError(Exception):
    """Start-up cannot go on; one line a wrong variable."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
