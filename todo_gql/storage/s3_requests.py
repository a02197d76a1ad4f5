"""Requests to a store that speaks S3, signed with version 4 in the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REQUEST_SECONDS: Final = 10 * 60
"""How long the server's own requests are valid: clocks may differ by minutes."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and who uses it; `endpoint` is the store's URL without a path's final slash."""

    endpoint: str
    name: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    def signed_url(
        self,
        method: str,
        key: str,
        *,
        seconds: int = REQUEST_SECONDS,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """A URL that allows one method on one key, or on the bucket for an empty one.

        All of `headers` are signed, so that a request without them, or with others, is refused. The
        signer is used rather than botocore's client, which signs fewer headers in us-east-1, and in
        a form that is out of use.
        """
        request = AWSRequest(
            method=method,
            url="/".join((self.endpoint, self.name, quote(key))).rstrip("/"),
            headers=dict(headers or {}),
            params=dict(parameters or {}),
        )
        credentials = Credentials(self.access_key_id, self.secret_access_key)
        S3SigV4QueryAuth(credentials, "s3", self.region, expires=seconds).add_auth(request)
        url: str = request.url
        return url
