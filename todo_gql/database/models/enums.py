"""The integers that columns hold, by their names."""

from enum import IntEnum


class Status(IntEnum):
    """The status of a todo, in the order in which statuses sort."""

    PENDING = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    CANCELLED = 3


class Priority(IntEnum):
    """The priority of a todo, in the order in which priorities sort."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    URGENT = 3


class ChangeKind(IntEnum):
    """What kind of thing a change is of.

    A release reads over the kinds that it doesn't know; one is first written by the release after the
    one that can read it.
    """

    TODO = 0
    LIST = 1
    SECTION = 2
    MEMBER = 3
    COMMENT = 4


class ListRole(IntEnum):
    """What a member may do with a list, in ascending order: each may do what those before it may."""

    VIEWER = 0
    EDITOR = 1
    MANAGER = 2
    OWNER = 3


class ListNotifyLevel(IntEnum):
    """Which of a list's events a member is notified of."""

    ALL = 0
    MINE = 1
    NONE = 2


class InvitationOutcome(IntEnum):
    """What became of an invitation."""

    ACCEPTED = 0
    DECLINED = 1
    REVOKED = 2


class Action(IntEnum):
    """What a change did to its todo; changes of other kinds have actions of their own."""

    CREATED = 0
    UPDATED = 1
    STARTED = 2
    COMPLETED = 3
    REOPENED = 4
    CANCELLED = 5
    DELETED = 6
    RESTORED = 7


class EntityAction(IntEnum):
    """What a change did to a list, a section, a member of a list or a comment."""

    CREATED = 0
    UPDATED = 1
    DELETED = 2
    RESTORED = 3
    JOINED = 4
    LEFT = 5
    ROLE_CHANGED = 6


class ReminderAnchor(IntEnum):
    """What a relative reminder is relative to."""

    DUE = 0
    START = 1


class NotificationKind(IntEnum):
    """Why somebody is notified."""

    ASSIGNED = 0
    MENTIONED = 1
    COMMENTED = 2
    COMPLETED = 3
    REMINDER = 4
    INVITED = 5
    MEMBERSHIP = 6
    JOB = 7
    SECURITY = 8


class NotificationMailKind(IntEnum):
    """What a mail of notifications is: those of the last minutes, or the daily digest."""

    BUNDLE = 0
    DIGEST = 1


class MailKind(IntEnum):
    """Why a mail is sent."""

    VERIFICATION = 0
    PASSWORD_RESET = 1
    EMAIL_CHANGE = 2
    EMAIL_CHANGE_REQUESTED = 3
    EMAIL_CHANGED = 4
    PASSWORD_CHANGED = 5
    ACCOUNT_DELETION = 6
    INVITATION = 7
    API_TOKEN = 8


class WebhookState(IntEnum):
    """Whether events are sent to a webhook."""

    ACTIVE = 0
    PAUSED = 1
    DISABLED = 2


class DeliveryState(IntEnum):
    """What became of an event that is sent to a webhook."""

    WAITING = 0
    DELIVERED = 1
    FAILED = 2


class AttachmentState(IntEnum):
    """How far a file has come."""

    UPLOADING = 0
    SCANNING = 1
    READY = 2
    REFUSED = 3


class TransferKind(IntEnum):
    """Which way a transfer's data go."""

    IMPORT = 0
    EXPORT = 1


class TransferFormat(IntEnum):
    """What a file that is imported or exported is written in."""

    TODO_GQL = 0
    TODOIST = 1
    TASKWARRIOR = 2
    TODO_TXT = 3
    VIKUNJA = 4
    MICROSOFT_TODO = 5
    GOOGLE_TASKS = 6
    ICALENDAR = 7
    TICKTICK = 8


class JobState(IntEnum):
    """How far an import or export has come."""

    WAITING = 0
    RUNNING = 1
    DONE = 2
    FAILED = 3
    CANCELLED = 4
