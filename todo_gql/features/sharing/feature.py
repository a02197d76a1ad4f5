"""What sharing brings to the parts of the program that all features share."""

from todo_gql.features.feature import Feature
from todo_gql.features.sharing.endings import leave_everything
from todo_gql.features.sharing.tasks import tasks

SHARING = Feature(name="sharing", tasks=tasks, before_deletion=leave_everything)
