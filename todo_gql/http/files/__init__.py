"""The upload and the download of files on a local disk."""
