"""Which store of files the settings name."""

from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings
from todo_gql.storage.local import LocalStore
from todo_gql.storage.store import FileStore


def file_store(settings: Settings) -> FileStore:
    """The bucket that S3_BUCKET names, or else the folder DATA_DIR/files."""
    return s3_store(settings) or local_store(settings)


def s3_store(settings: Settings) -> FileStore | None:
    """The bucket that S3_BUCKET names; None without one."""
    bucket, endpoint = settings.s3_bucket, settings.s3_endpoint
    key_id, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    # The settings have all of them, or none.
    if not (bucket and endpoint and key_id and secret):
        return None
    # The signer takes 0.2 s and 7 MB, which most laptops can do without.
    from todo_gql.storage.s3 import S3Store  # noqa: PLC0415 - see above
    from todo_gql.storage.s3_requests import Bucket  # noqa: PLC0415 - see above

    return S3Store(
        Bucket(endpoint.rstrip("/"), bucket, settings.s3_region, key_id, secret.get_secret_value()),
        settings.s3_public_endpoint and settings.s3_public_endpoint.rstrip("/"),
    )


def local_store(settings: Settings) -> LocalStore:
    """The folder DATA_DIR/files; raises `LookupError` if no secret key is set."""
    key = derived_key(settings, "links to files")
    return LocalStore(settings.data_dir / "files", settings.base_url, key)
