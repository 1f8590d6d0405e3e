"""Requests of AWS's APIs with their signature in a header (AWS Signature Version 4)."""

import datetime
import hashlib
import hmac

REGION = "us-east-1"


def signed(service: str, port: int, path: str, body: bytes, access_key: tuple[str, str], headers: dict[str, str] | None = None) -> dict[str, str]:
    """The headers of a POST of `body` to a path without a query; the same request may be sent again for some minutes."""
    now = datetime.datetime.now(datetime.UTC)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    all_headers = {"host": f"127.0.0.1:{port}", "x-amz-date": stamp, **(headers or {})}
    names = ";".join(sorted(all_headers))
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(all_headers.items()))
    canonical = "\n".join(["POST", path, "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{REGION}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key_id, secret = access_key
    key = f"AWS4{secret}".encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    del all_headers["host"]
    return {**all_headers, "authorization": credential}
