"""Signed S3 requests, path style: addresses that carry their signature (AWS Signature Version 4, query parameters)."""

import datetime
import hashlib
import hmac
import urllib.parse

REGION = "us-east-1"
LIFE_S = 24 * 3600


def presigned(method: str, port: int, path: str, key_id: str, secret: str, query: dict[str, str] | None = None) -> str:
    """The path and query of a request whose body is not signed. `path` is what the server sees, all of it."""
    now = datetime.datetime.now(datetime.UTC)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    scope = f"{day}/{REGION}/s3/aws4_request"
    parameters = {
        **(query or {}),
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(LIFE_S),
        "X-Amz-SignedHeaders": "host",
    }
    text = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(parameters.items()))
    canonical = "\n".join([method, urllib.parse.quote(path, safe="/~"), text, f"host:127.0.0.1:{port}", "", "host", "UNSIGNED-PAYLOAD"])
    signed = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, signed.encode(), "sha256").hex()
    return f"{path}?{text}&X-Amz-Signature={signature}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="~")
