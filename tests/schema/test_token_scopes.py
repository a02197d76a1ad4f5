"""What each field of the schema says of API tokens."""

from collections.abc import Iterator

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
)

from todo_gql.api.token_scopes import TokenScope
from todo_gql.documents.token_access import need_of
from todo_gql.features.registry import FEATURES
from todo_gql.schema import graphql_schema

SCHEMA = graphql_schema()
ROOTS = [SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type]
# They belong to the object that names them: to others a user is a name, and a tag is one, too.
PARTS_OF_OBJECTS = {"User", "Tag"}
# What they contain is what the field that they answer is about.
TRANSPARENT = ("Payload", "Result", "Connection", "Edge", "Error")
# Scopes are for what programs do with todos; these are for people alone.
FOR_SESSIONS_ALONE = {
    "users", "sessions", "pushPublicKey", "pushSubscriptions", "apiTokens", "installation", "failedJobs", "auditLog",
    "register", "login", "tokenRefresh", "logout", "sessionRevoke", "passwordChange", "passwordReset",
    "passwordResetRequest", "emailVerify", "emailVerificationRequest", "emailChangeRequest", "emailChangeConfirm",
    "profileUpdate", "accountDelete", "userAdminUpdate", "userSessionsEnd", "failedJobRetry", "listTransfer",
    "pushSubscribe", "pushUnsubscribe", "notificationsUpdate", "notificationsReadAll",
    "notificationPreferencesUpdate", "apiTokenCreate", "apiTokenRevoke",
}  # fmt: skip


def _fields() -> Iterator[tuple[GraphQLNamedType, str, GraphQLField]]:
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and type_.name[:2] != "__":
            for name, field in type_.fields.items():
                yield type_, name, field


def _leads_elsewhere(parent: GraphQLNamedType, field: GraphQLField) -> bool:
    """Whether a field leads from an object to others that have ids of their own."""
    if parent in ROOTS or parent.name.endswith(TRANSPARENT):
        return False
    type_ = get_named_type(field.type)
    if type_.name in PARTS_OF_OBJECTS:
        return False
    node = SCHEMA.get_type("Node")
    is_node = type_ is node or (isinstance(type_, GraphQLObjectType) and node in type_.interfaces)
    return is_node or type_.name.endswith("Connection")


def test_each_root_field_names_its_scope() -> None:
    """A root field without a scope would be open to every API token, or to none by chance."""
    missing = [
        f"{root.name}.{name}"
        for root in ROOTS
        if root
        for name, field in root.fields.items()
        if need_of(root, name, field) is None
    ]
    assert missing == [], "pass metadata=scoped(TokenScope.…) to these fields, or scoped(None)"


def test_credentials_and_administration_have_no_scope() -> None:
    """No API token opens what changes who may sign in, or is for people alone."""
    closed = {
        name
        for root in ROOTS
        if root
        for name, field in root.fields.items()
        if (need := need_of(root, name, field)) and need.scope is None
    }
    assert closed <= FOR_SESSIONS_ALONE, "may no API token open these?"
    present = {name for root in ROOTS if root for name in root.fields}
    assert (FOR_SESSIONS_ALONE & present) <= closed, "these are for sessions alone"


def test_each_field_that_leads_to_other_objects_names_its_scope() -> None:
    """A field below the root opens nothing that its own scope doesn't."""
    missing = [
        f"{parent.name}.{name}"
        for parent, name, field in _fields()
        if _leads_elsewhere(parent, field) and need_of(parent, name, field) is None
    ]
    assert missing == [], "pass metadata=scoped(TokenScope.…) to these fields"


def test_each_scope_opens_something() -> None:
    """A scope that no field names would promise what it doesn't give."""
    needs = [need for one in _fields() if (need := need_of(*one))]
    assert {need.scope for need in needs} >= {
        TokenScope.TODOS_READ,
        TokenScope.TODOS_WRITE,
        TokenScope.COMMENTS_WRITE,
        TokenScope.LISTS_SHARE,
        TokenScope.PROFILE_READ,
    }


def test_sessions_tokens_and_browsers_are_no_nodes_for_tokens() -> None:
    """The ids of credentials open nothing through `node`."""
    scopes = {one.type.__name__: one.scope for feature in FEATURES for one in feature.node_types}
    assert {name for name, scope in scopes.items() if scope is None} >= {
        "Session",
        "PushSubscription",
    }
    assert scopes["Notification"] is TokenScope.PROFILE_READ
