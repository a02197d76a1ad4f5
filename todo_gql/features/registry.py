"""The list of all features, from which the parts that they share follow."""

from todo_gql.features.accounts.feature import ACCOUNTS
from todo_gql.features.api_tokens.feature import API_TOKENS
from todo_gql.features.attachments.feature import ATTACHMENTS
from todo_gql.features.calendar_feeds.feature import CALENDAR_FEEDS
from todo_gql.features.changes.feature import CHANGES
from todo_gql.features.comments.feature import COMMENTS
from todo_gql.features.facets.feature import FACETS
from todo_gql.features.files.feature import FILES
from todo_gql.features.lists.feature import LISTS
from todo_gql.features.members.feature import MEMBERS
from todo_gql.features.notifications.feature import NOTIFICATIONS
from todo_gql.features.push.feature import PUSH
from todo_gql.features.reminders.feature import REMINDERS
from todo_gql.features.sharing.feature import SHARING
from todo_gql.features.stats.feature import STATS
from todo_gql.features.todos.feature import TODOS
from todo_gql.features.transfers.feature import TRANSFERS
from todo_gql.features.undo.feature import UNDO
from todo_gql.features.views.feature import VIEWS
from todo_gql.features.webhooks.feature import WEBHOOKS

FEATURES = (
    ATTACHMENTS,
    FILES,
    REMINDERS,
    NOTIFICATIONS,
    PUSH,
    COMMENTS,
    TODOS,
    SHARING,
    LISTS,
    MEMBERS,
    CHANGES,
    ACCOUNTS,
    STATS,
    UNDO,
    VIEWS,
    FACETS,
    API_TOKENS,
    WEBHOOKS,
    TRANSFERS,
    CALENDAR_FEEDS,
)

TABLES = [table for feature in FEATURES for table in feature.tables]
BEFORE_DELETION = [feature.before_deletion for feature in FEATURES if feature.before_deletion]
"""What is done before an account is deleted, in this order."""

LARGE_TABLES = [table.name for table in TABLES if table.is_large]
"""The tables whose rows are deleted in batches before their account, in this order."""
