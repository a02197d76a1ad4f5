"""What undo brings to the parts of the program that all features share."""

from todo_gql.features.feature import Feature

UNDO = Feature(name="undo")
