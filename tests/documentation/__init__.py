"""What readers may copy from the documentation, each block run by a test."""
