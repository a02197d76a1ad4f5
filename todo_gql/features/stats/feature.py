"""What the counts of todos bring to the parts of the program that all features share."""

from todo_gql.features.feature import Feature

STATS = Feature(name="stats")
