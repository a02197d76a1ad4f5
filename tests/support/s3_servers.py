"""A store that speaks S3: moto's server, in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.ports import free_port
from todo_gql.storage.s3 import S3Store
from todo_gql.storage.s3_requests import Bucket

START_SECONDS = 60
KEY_ID, SECRET = "AKIDEXAMPLE", "a secret of tests"


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a store with nothing in it."""
    port = free_port()
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield _answering(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()


def _answering(url: str, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return url


def new_bucket(url: str, name: str, region: str = "eu-central-1") -> S3Store:
    """A store of files in a new bucket."""
    bucket = Bucket(url, name, region, KEY_ID, SECRET)
    location = f"<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>"
    body = "" if region == "us-east-1" else f"{location}</CreateBucketConfiguration>"
    httpx.put(bucket.signed_url("PUT", ""), content=body).raise_for_status()
    return S3Store(bucket)
