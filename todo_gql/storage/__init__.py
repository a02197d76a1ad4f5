"""The store of files: bytes under keys, on a local disk or in a store that speaks S3."""
