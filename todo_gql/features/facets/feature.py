"""What facets bring to the parts of the program that all features share."""

from todo_gql.features.feature import Feature

FACETS = Feature(name="facets")
