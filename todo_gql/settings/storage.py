"""The settings of files: where they are stored, and how much an account may store."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

S3_NEEDS = ("s3_endpoint", "s3_bucket", "s3_access_key_id", "s3_secret_access_key")
URL = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"


class StorageSettings(BaseSettings):
    """What can be set about files."""

    s3_endpoint: str | None = Field(
        None,
        pattern=URL,
        description="The URL of a store that speaks S3, such as https://s3.eu-central-1.amazonaws.com;"
        " without it files are stored in `DATA_DIR/files`, which all replicas have to share.",
    )
    s3_bucket: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$",
        description="The bucket of files, which exists already.",
    )
    s3_region: str = Field(
        "us-east-1", pattern=r"^[A-Za-z0-9-]{1,50}$", description="The bucket's region."
    )
    s3_access_key_id: str | None = Field(
        None,
        pattern=r"^[^\s/]+$",
        description="Who uses the bucket: may get, put, delete and list.",
    )
    s3_secret_access_key: SecretStr | None = Field(
        None, description="The secret that belongs to S3_ACCESS_KEY_ID."
    )
    s3_public_endpoint: str | None = Field(
        None,
        pattern=URL,
        description="The URL at which browsers reach the store; S3_ENDPOINT if absent.",
    )

    account_file_bytes: int = Field(
        2**30, ge=0, description="The most bytes of the files of an account's todos."
    )
    clamav_host: str | None = Field(
        None,
        pattern=r"^[^\s/]+$",
        description="A clamd that looks for viruses in what is uploaded; nothing does without it.",
    )
    clamav_port: int = Field(3310, ge=1, le=65535, description="The port of clamd.")

    def storage_problem(self) -> str | None:
        """What is missing about S3; None if all of it is set, or nothing."""
        missing = [name.upper() for name in S3_NEEDS if getattr(self, name) is None]
        if not missing or (len(missing) == len(S3_NEEDS) and self.s3_public_endpoint is None):
            return None
        return f"S3 needs {', '.join(missing)}, too"
