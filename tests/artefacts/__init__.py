"""What is shipped around the program: the image, the Compose file, the chart, the pipelines."""
