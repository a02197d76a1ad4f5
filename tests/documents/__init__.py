"""What is checked of a document before it is executed."""
