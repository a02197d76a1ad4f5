"""Taking back what a mutation did to todos."""
