"""What people use, a folder for each feature."""
