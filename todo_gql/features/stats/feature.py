"""What the counts of todos bring to the parts of the program that all features share."""

from todo_gql.features.feature import Feature
from todo_gql.features.stats.loaders import overdue_counts, todo_counts

STATS = Feature(name="stats", loaders=(todo_counts, overdue_counts))
