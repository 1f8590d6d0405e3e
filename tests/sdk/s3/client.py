"""Drives storage by S3's protocol with the real boto3. Arguments: the server's address, the access key's id, its secret, the anon key."""

import base64
import datetime
import hashlib
import io
import json
import os
import sys
import threading
import urllib.error
import urllib.request
import zlib

import boto3
import botocore.auth
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

URL, KEY_ID, SECRET, ANON_KEY = sys.argv[1:]
MIB = 1024 * 1024


def client(key_id=KEY_ID, secret=SECRET, token=None, region="us-east-1", **more):
    config = Config(retries={"max_attempts": 1, "mode": "standard"}, s3={"addressing_style": "path"}, signature_version="s3v4", **more)
    return boto3.client(
        "s3",
        endpoint_url=f"{URL}/storage/v1/s3",
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=config,
    )


S3 = client()


def refused(code, status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"].get("Code"), error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert found == (code, status), (found, error)
        return error.response
    raise AssertionError(f"it was not refused with {code}")


def body(key, **more):
    return S3.get_object(Bucket="docs", Key=key, **more)["Body"].read()


def buckets():
    S3.create_bucket(Bucket="docs")
    refused("BucketAlreadyOwnedByYou", 409, S3.create_bucket, Bucket="docs")
    refused("404", 404, S3.head_bucket, Bucket="none")
    refused("NoSuchBucket", 404, S3.list_objects_v2, Bucket="none")
    assert S3.head_bucket(Bucket="docs")["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert S3.get_bucket_location(Bucket="docs")["LocationConstraint"] is None
    elsewhere = client(region="eu-central-1")
    assert elsewhere.get_bucket_location(Bucket="docs")["LocationConstraint"] == "eu-central-1"
    elsewhere.create_bucket(Bucket="second", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert "Status" not in S3.get_bucket_versioning(Bucket="docs")
    names = [bucket["Name"] for bucket in S3.list_buckets()["Buckets"]]
    assert {"docs", "second"} <= set(names) and names == sorted(names), names
    paged = [bucket["Name"] for page in S3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1}) for bucket in page["Buckets"]]
    assert paged == names, paged
    S3.delete_bucket(Bucket="second")
    for call, more in [
        (S3.get_bucket_acl, {}),
        (S3.get_bucket_policy, {}),
        (S3.get_bucket_lifecycle_configuration, {}),
        (S3.get_bucket_website, {}),
        (S3.get_bucket_tagging, {}),
        (S3.list_object_versions, {}),
        (S3.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Enabled"}}),
    ]:
        refused("NotImplemented", 501, call, Bucket="docs", **more)


def objects():
    text = "grüße\n".encode() * 100
    put = S3.put_object(
        Bucket="docs",
        Key="a b/ü+?&%25.txt",
        Body=text,
        ContentType="text/plain; charset=utf-8",
        CacheControl="max-age=60",
        ContentDisposition='attachment; filename="x"',
        ContentEncoding="identity",
        ContentLanguage="de",
        Metadata={"mood": "good", "grüße".encode("ascii", "ignore").decode() or "x": "ja"},
        ContentMD5=base64.b64encode(hashlib.md5(text).digest()).decode(),
    )
    assert put["ETag"] == f'"{hashlib.md5(text).hexdigest()}"', put
    got = S3.get_object(Bucket="docs", Key="a b/ü+?&%25.txt")
    assert got["Body"].read() == text
    described = {name: got[name] for name in ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ETag", "ContentLength")}
    assert described == {
        "ContentType": "text/plain; charset=utf-8",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
        "ETag": put["ETag"],
        "ContentLength": len(text),
    }, described
    assert got["Metadata"]["mood"] == "good", got["Metadata"]
    head = S3.head_object(Bucket="docs", Key="a b/ü+?&%25.txt")
    assert (head["ContentLength"], head["ETag"], head["LastModified"]) == (len(text), put["ETag"], got["LastModified"])
    refused("NoSuchKey", 404, S3.get_object, Bucket="docs", Key="none")
    refused("404", 404, S3.head_object, Bucket="docs", Key="none")
    told = refused("NoSuchKey", 404, S3.get_object, Bucket="docs", Key="none <&>")
    assert told["Error"]["Resource"] == "/docs/none <&>" and told["ResponseMetadata"]["RequestId"], told
    refused("InvalidArgument", 400, S3.put_object, Bucket="docs", Key="a//b", Body=b"")
    refused("InvalidArgument", 400, S3.put_object, Bucket="docs", Key="folder/", Body=b"")
    refused("KeyTooLongError", 400, S3.put_object, Bucket="docs", Key="k" * 1025, Body=b"")
    refused("NotImplemented", 501, S3.put_object, Bucket="docs", Key="x", Body=b"", Tagging="a=b")
    refused("NotImplemented", 501, S3.put_object, Bucket="docs", Key="x", Body=b"", ACL="public-read")
    refused("NotImplemented", 501, S3.put_object, Bucket="docs", Key="x", Body=b"", ServerSideEncryption="AES256")
    refused("MetadataTooLarge", 400, S3.put_object, Bucket="docs", Key="x", Body=b"", Metadata={"x": "y" * 9000})
    S3.put_object(Bucket="docs", Key="empty", Body=b"")
    assert body("empty") == b""


def ranges_and_conditions():
    S3.put_object(Bucket="docs", Key="digits", Body=b"0123456789")
    for asked, expected in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89"), ("bytes=5-100", b"56789")]:
        got = S3.get_object(Bucket="docs", Key="digits", Range=asked)
        assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (expected, 206)
    assert S3.get_object(Bucket="docs", Key="digits", Range="bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    assert S3.head_object(Bucket="docs", Key="digits", Range="bytes=2-4")["ContentLength"] == 3
    assert body("digits", Range="lines=1-2") == b"0123456789"
    refused("InvalidRange", 416, S3.get_object, Bucket="docs", Key="digits", Range="bytes=10-")
    known = S3.head_object(Bucket="docs", Key="digits")
    tag, modified, hour = known["ETag"], known["LastModified"], datetime.timedelta(hours=1)
    assert body("digits", IfMatch=tag) == b"0123456789"
    assert body("digits", IfNoneMatch='"other"') == b"0123456789"
    refused("PreconditionFailed", 412, S3.get_object, Bucket="docs", Key="digits", IfMatch='"other"')
    refused("304", 304, S3.get_object, Bucket="docs", Key="digits", IfNoneMatch=tag)
    refused("304", 304, S3.head_object, Bucket="docs", Key="digits", IfNoneMatch=tag)
    refused("304", 304, S3.get_object, Bucket="docs", Key="digits", IfModifiedSince=modified)
    refused("PreconditionFailed", 412, S3.get_object, Bucket="docs", Key="digits", IfUnmodifiedSince=modified - hour)
    assert body("digits", IfUnmodifiedSince=modified) == b"0123456789"
    overridden = S3.get_object(Bucket="docs", Key="digits", ResponseContentType="text/css", ResponseCacheControl="no-store")
    assert (overridden["ContentType"], overridden["CacheControl"]) == ("text/css", "no-store")
    # Uploads.
    refused("PreconditionFailed", 412, S3.put_object, Bucket="docs", Key="digits", Body=b"x", IfNoneMatch="*")
    refused("PreconditionFailed", 412, S3.put_object, Bucket="docs", Key="digits", Body=b"x", IfMatch='"other"')
    refused("NoSuchKey", 404, S3.put_object, Bucket="docs", Key="none", Body=b"x", IfMatch=tag)
    assert body("digits") == b"0123456789"
    second = S3.put_object(Bucket="docs", Key="digits", Body=b"9876543210", IfMatch=tag)["ETag"]
    refused("PreconditionFailed", 412, S3.put_object, Bucket="docs", Key="digits", Body=b"x", IfMatch=tag)
    S3.put_object(Bucket="docs", Key="new", Body=b"x", IfNoneMatch="*")
    assert second != tag and body("digits") == b"9876543210"
    # Of many who replace the same, one does.
    won = []

    def replace(at):
        try:
            client().put_object(Bucket="docs", Key="digits", Body=f"writer {at}".encode(), IfMatch=second)
            won.append(at)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed", error

    threads = [threading.Thread(target=replace, args=(at,)) for at in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(won) == 1 and body("digits") == f"writer {won[0]}".encode(), won


def checksums():
    text = os.urandom(200_000)
    expected = {
        "SHA1": base64.b64encode(hashlib.sha1(text).digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(text).digest()).decode(),
    }
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        field = f"Checksum{algorithm}"
        put = S3.put_object(Bucket="docs", Key="sum", Body=text, ChecksumAlgorithm=algorithm)
        assert put["ChecksumType"] == "FULL_OBJECT" and put[field] == expected.get(algorithm, put[field]), put
        got = S3.get_object(Bucket="docs", Key="sum", ChecksumMode="ENABLED")
        # botocore holds what it reads to the checksum.
        assert got["Body"].read() == text and got[field] == put[field]
        assert S3.head_object(Bucket="docs", Key="sum", ChecksumMode="ENABLED")[field] == put[field]
        S3.put_object(Bucket="docs", Key="sum", Body=text, **{field: put[field]})
        refused("BadDigest", 400, S3.put_object, Bucket="docs", Key="sum", Body=text + b"x", **{field: put[field]})
        attributes = S3.get_object_attributes(Bucket="docs", Key="sum", ObjectAttributes=["ETag", "Checksum", "ObjectSize"])
        assert attributes["Checksum"][field] == put[field] and attributes["ObjectSize"] == len(text), attributes
    # What needs a library that is not here is said in the header: of "123456789".
    for field, value in {"ChecksumCRC32C": "4waSgw==", "ChecksumCRC64NVME": "rosUhgp5mIg=", "ChecksumCRC32": "y/Q5Jg=="}.items():
        assert S3.put_object(Bucket="docs", Key="nine", Body=b"123456789", **{field: value})[field] == value
        refused("BadDigest", 400, S3.put_object, Bucket="docs", Key="nine", Body=b"12345678", **{field: value})
    refused("InvalidDigest", 400, S3.put_object, Bucket="docs", Key="sum", Body=b"x", ContentMD5="nonsense")
    wrong = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    refused("BadDigest", 400, S3.put_object, Bucket="docs", Key="sum", Body=b"x", ContentMD5=wrong)
    assert body("sum") == text
    # A stream over plain HTTP is signed chunk by chunk, or not at all, as the client is told.
    plain = client(request_checksum_calculation="when_required")
    plain.put_object(Bucket="docs", Key="plain", Body=io.BytesIO(text))
    assert body("plain") == text


def listings():
    names = [f"list/{folder}/{at:02}" for folder in "abc" for at in range(7)] + ["list/z", "list.txt"]
    for name in names:
        S3.put_object(Bucket="docs", Key=name, Body=b"x")
    everything = sorted(name for name in names if name.startswith("list/"))
    for size in [1, 2, 5, 7, 1000]:
        pages = list(S3.get_paginator("list_objects_v2").paginate(Bucket="docs", Prefix="list/", PaginationConfig={"PageSize": size}))
        assert [line["Key"] for page in pages for line in page.get("Contents", [])] == everything, size
        assert all(page["KeyCount"] <= size for page in pages)
        for paginator in ["list_objects_v2", "list_objects"]:
            pages = S3.get_paginator(paginator).paginate(Bucket="docs", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": size})
            lines, folders = [], []
            for page in pages:
                lines += [line["Key"] for line in page.get("Contents", [])]
                folders += [line["Prefix"] for line in page.get("CommonPrefixes", [])]
            assert (lines, folders) == (["list/z"], ["list/a/", "list/b/", "list/c/"]), (paginator, size, lines, folders)
    odd = S3.list_objects_v2(Bucket="docs", Prefix="list", Delimiter="/b")
    assert [line["Prefix"] for line in odd["CommonPrefixes"]] == ["list/b"], odd
    assert [line["Key"] for line in S3.list_objects_v2(Bucket="docs", Prefix="list/", StartAfter="list/c/05")["Contents"]] == ["list/c/06", "list/z"]
    assert "Contents" not in S3.list_objects_v2(Bucket="docs", Prefix="/list")
    assert S3.list_objects_v2(Bucket="docs", MaxKeys=0)["KeyCount"] == 0
    owned = S3.list_objects_v2(Bucket="docs", Prefix="list.txt", FetchOwner=True)["Contents"][0]
    assert owned["Owner"]["ID"] == "000000000000" and owned["Size"] == 1 and owned["StorageClass"] == "STANDARD"
    encoded = S3.list_objects_v2(Bucket="docs", Prefix="a b/")["Contents"][0]["Key"]
    assert encoded == "a b/ü+?&%25.txt", encoded
    refused("InvalidArgument", 400, S3.list_objects_v2, Bucket="docs", ContinuationToken="!")


def copies_and_deletes():
    S3.put_object(Bucket="docs", Key="from here/ü", Body=b"text", ContentType="text/plain", Metadata={"a": "1"})
    source = {"Bucket": "docs", "Key": "from here/ü"}
    S3.copy_object(Bucket="docs", Key="copy", CopySource=source)
    copy = S3.get_object(Bucket="docs", Key="copy")
    assert (copy["Body"].read(), copy["ContentType"], copy["Metadata"]) == (b"text", "text/plain", {"a": "1"})
    S3.copy_object(Bucket="docs", Key="copy", CopySource=source, MetadataDirective="REPLACE", ContentType="text/css", Metadata={"b": "2"})
    copy = S3.head_object(Bucket="docs", Key="copy")
    assert (copy["ContentType"], copy["Metadata"], copy["ContentLength"]) == ("text/css", {"b": "2"}, 4)
    itself = {"Bucket": "docs", "Key": "copy"}
    refused("InvalidRequest", 400, S3.copy_object, Bucket="docs", Key="copy", CopySource=itself)
    S3.copy_object(Bucket="docs", Key="copy", CopySource=itself, MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert S3.head_object(Bucket="docs", Key="copy")["Metadata"] == {"c": "3"} and body("copy") == b"text"
    refused("PreconditionFailed", 412, S3.copy_object, Bucket="docs", Key="copy", CopySource=source, CopySourceIfMatch='"other"')
    refused("NoSuchKey", 404, S3.copy_object, Bucket="docs", Key="copy", CopySource={"Bucket": "docs", "Key": "none"})
    for name in ["one", "two", "three"]:
        S3.put_object(Bucket="docs", Key=f"gone/{name}", Body=b"x")
    keys = [{"Key": "gone/one"}, {"Key": "gone/two"}, {"Key": "gone/none"}]
    deleted = S3.delete_objects(Bucket="docs", Delete={"Objects": keys})
    assert [line["Key"] for line in deleted["Deleted"]] == ["gone/one", "gone/two", "gone/none"] and "Errors" not in deleted
    assert "Deleted" not in S3.delete_objects(Bucket="docs", Delete={"Objects": [{"Key": "gone/three"}], "Quiet": True})
    assert S3.list_objects_v2(Bucket="docs", Prefix="gone/")["KeyCount"] == 0
    S3.delete_object(Bucket="docs", Key="gone/none")
    refused("BucketNotEmpty", 409, S3.delete_bucket, Bucket="docs")


def parts(key, sizes, **more):
    upload = S3.create_multipart_upload(Bucket="docs", Key=key, **more)["UploadId"]
    chunks = [os.urandom(size) for size in sizes]
    done = []
    for number, chunk in reversed(list(enumerate(chunks, 1))):
        algorithm = {name: value for name, value in more.items() if name == "ChecksumAlgorithm"}
        part = S3.upload_part(Bucket="docs", Key=key, UploadId=upload, PartNumber=number, Body=chunk, **algorithm)
        sums = {name: value for name, value in part.items() if name.startswith("Checksum")}
        done.insert(0, {"PartNumber": number, "ETag": part["ETag"], **sums})
    return upload, chunks, done


def multipart():
    key = "large/whole"
    upload, chunks, done = parts(key, [5 * MIB, 6 * MIB, 1000], ContentType="text/plain", Metadata={"m": "1"}, ContentDisposition="inline")
    there = S3.list_parts(Bucket="docs", Key=key, UploadId=upload)
    assert [part["Size"] for part in there["Parts"]] == [5 * MIB, 6 * MIB, 1000]
    first = S3.list_parts(Bucket="docs", Key=key, UploadId=upload, MaxParts=1)
    assert first["IsTruncated"] and first["NextPartNumberMarker"] == 1
    uploads = S3.list_multipart_uploads(Bucket="docs", Prefix="large/")["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in uploads] == [(key, upload)], uploads
    refused("NoSuchKey", 404, S3.get_object, Bucket="docs", Key=key)
    complete = lambda listed, **more: S3.complete_multipart_upload(Bucket="docs", Key=key, UploadId=upload, MultipartUpload={"Parts": listed}, **more)
    refused("InvalidPartOrder", 400, complete, listed=[done[1], done[0]])
    refused("InvalidPart", 400, complete, listed=[{**done[0], "ETag": '"other"'}])
    refused("InvalidPart", 400, complete, listed=[*done, {"PartNumber": 9, "ETag": done[0]["ETag"]}])
    refused("EntityTooSmall", 400, complete, listed=[*done, {"PartNumber": 4, **{k: v for k, v in S3.upload_part(Bucket="docs", Key=key, UploadId=upload, PartNumber=4, Body=b"x").items() if k == "ETag"}}])
    # A part that is sent again is the one that counts.
    chunks[1] = os.urandom(5 * MIB)
    part = S3.upload_part(Bucket="docs", Key=key, UploadId=upload, PartNumber=2, Body=chunks[1])
    refused("InvalidPart", 400, complete, listed=done)
    done[1] = {"PartNumber": 2, **{name: value for name, value in part.items() if name == "ETag" or name.startswith("Checksum")}}
    made = complete(done)
    digests = b"".join(hashlib.md5(chunk).digest() for chunk in chunks)
    assert made["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"', made
    assert complete(done)["ETag"] == made["ETag"], "a client that did not see the answer may ask again"
    whole = b"".join(chunks)
    got = S3.get_object(Bucket="docs", Key=key)
    assert got["Body"].read() == whole and (got["ContentType"], got["Metadata"], got["ContentDisposition"]) == ("text/plain", {"m": "1"}, "inline")
    assert body(key, Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}") == whole[5 * MIB - 2 : 5 * MIB + 2]
    second = S3.get_object(Bucket="docs", Key=key, PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (chunks[1], 3)
    attributes = S3.get_object_attributes(Bucket="docs", Key=key, ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert (attributes["ObjectParts"]["TotalPartsCount"], attributes["ObjectSize"]) == (3, len(whole))
    refused("NoSuchUpload", 404, S3.upload_part, Bucket="docs", Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    S3.copy_object(Bucket="docs", Key="large/copy", CopySource={"Bucket": "docs", "Key": key})
    assert body("large/copy") == whole

    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        upload, chunks, done = parts("large/sums", [5 * MIB, 10], ChecksumAlgorithm=algorithm)
        made = S3.complete_multipart_upload(Bucket="docs", Key="large/sums", UploadId=upload, MultipartUpload={"Parts": done})
        field = f"Checksum{algorithm}"
        raw = b"".join(base64.b64decode(part[field]) for part in done)
        if algorithm != "CRC32":
            digest = base64.b64encode(getattr(hashlib, algorithm.lower())(raw).digest()).decode()
            assert made[field] == f"{digest}-2", made
        assert made["ChecksumType"] == "COMPOSITE"
        assert S3.head_object(Bucket="docs", Key="large/sums", ChecksumMode="ENABLED")[field] == made[field]
    upload, chunks, done = parts("large/full", [5 * MIB, 10], ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    made = S3.complete_multipart_upload(Bucket="docs", Key="large/full", UploadId=upload, MultipartUpload={"Parts": done})
    expected = base64.b64encode(zlib.crc32(b"".join(chunks)).to_bytes(4, "big")).decode()
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (expected, "FULL_OBJECT"), made
    assert S3.get_object(Bucket="docs", Key="large/full", ChecksumMode="ENABLED")["Body"].read() == b"".join(chunks)

    upload, _, _ = parts("large/none", [10])
    S3.abort_multipart_upload(Bucket="docs", Key="large/none", UploadId=upload)
    refused("NoSuchUpload", 404, S3.abort_multipart_upload, Bucket="docs", Key="large/none", UploadId=upload)
    refused("NoSuchUpload", 404, S3.list_parts, Bucket="docs", Key="large/none", UploadId=upload)

    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)
    text = os.urandom(17 * MIB + 11)
    S3.upload_fileobj(io.BytesIO(text), "docs", "large/transfer", Config=config)
    back = io.BytesIO()
    S3.download_fileobj("docs", "large/transfer", back, Config=config)
    assert back.getvalue() == text


def fetch(url, data=None, method=None, headers={}):
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def presigned():
    S3.put_object(Bucket="docs", Key="signed/a b.txt", Body=b"signed", ContentType="text/plain")
    sign = lambda call, more={}, key="signed/a b.txt", **options: S3.generate_presigned_url(call, Params={"Bucket": "docs", "Key": key, **more}, **options)
    good = sign("get_object", ExpiresIn=60)
    assert fetch(good)[:2] == (200, b"signed")
    assert fetch(sign("get_object", {"ResponseContentType": "text/css"}))[2]["content-type"] == "text/css"
    assert fetch(good, headers={"Range": "bytes=1-2"})[:2] == (206, b"ig")
    for bad, code in [
        (good.replace("a%20b.txt", "c.txt"), "SignatureDoesNotMatch"),
        (good + "&response-content-type=text%2Fhtml", "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), "SignatureDoesNotMatch"),
        (good.replace("X-Amz-Expires=60", "X-Amz-Expires=604801"), "AuthorizationQueryParametersError"),
        (good.replace("X-Amz-Expires=60", "X=1"), "SignatureDoesNotMatch"),
        (good.replace("%2Fs3%2F", "%2Flambda%2F"), "AuthorizationHeaderMalformed"),
        (good.replace(KEY_ID, "AKIANOTHERE"), "InvalidAccessKeyId"),
    ]:
        status, answer, _ = fetch(bad)
        assert status in (400, 403) and f"<Code>{code}</Code>".encode() in answer, (bad, status, answer)
    assert fetch(good, data=b"x", method="PUT")[0] == 403, "it is for reading"
    assert fetch(good, headers={"x-amz-meta-a": "b"})[0] == 403, "a header that says what is done is signed"
    put = sign("put_object", {"ContentType": "text/plain", "Metadata": {"who": "ada"}}, key="signed/put")
    headers = {"content-type": "text/plain", "x-amz-meta-who": "ada"}
    assert fetch(put, b"by url", "PUT", headers)[0] == 200
    got = S3.get_object(Bucket="docs", Key="signed/put")
    assert (got["Body"].read(), got["Metadata"]) == (b"by url", {"who": "ada"})
    assert fetch(put, b"by url", "PUT", {**headers, "content-type": "text/html"})[0] == 403
    now = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *more, **kinds: now(*more, **kinds) - datetime.timedelta(hours=2)
    expired = sign("get_object", ExpiresIn=3600)
    lasting = sign("get_object", ExpiresIn=7201 + 3600)
    botocore.auth.get_current_datetime = lambda *more, **kinds: now(*more, **kinds) + datetime.timedelta(hours=2)
    early = sign("get_object", ExpiresIn=3600)
    botocore.auth.get_current_datetime = now
    status, answer, _ = fetch(expired)
    assert (status, b"Request has expired" in answer) == (403, True), answer
    assert fetch(lasting)[0] == 200
    assert b"RequestTimeTooSkewed" in fetch(early)[1]
    page = sign("get_object", key="signed/page.html")
    S3.put_object(Bucket="docs", Key="signed/page.html", Body=b"<script>1</script>", ContentType="text/html")
    shown = fetch(page)[2]
    assert "sandbox" in shown["content-security-policy"] and shown["x-content-type-options"] == "nosniff"
    delete = sign("delete_object", key="signed/put")
    assert fetch(delete, method="DELETE")[0] == 204
    refused("NoSuchKey", 404, S3.get_object, Bucket="docs", Key="signed/put")


def rest(method, path, token, document=None):
    headers = {"apikey": ANON_KEY, "authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if document is None else json.dumps(document).encode()
    status, answer, _ = fetch(URL + path, data, method, headers)
    return status, json.loads(answer or b"null")


def sessions():
    signed_up = rest("POST", "/auth/v1/signup", ANON_KEY, {"email": "ada@example.com", "password": "correct horse battery"})[1]
    user, token = signed_up["user"]["id"], signed_up["access_token"]
    ada, nobody = client("local", ANON_KEY, token), client("local", ANON_KEY, ANON_KEY)
    ada.put_object(Bucket="files", Key=f"{user}/own.txt", Body=b"own", ContentType="text/plain", Metadata={"mood": "good"})
    assert ada.get_object(Bucket="files", Key=f"{user}/own.txt")["Body"].read() == b"own"
    refused("AccessDenied", 403, ada.put_object, Bucket="files", Key="elsewhere", Body=b"x")
    S3.put_object(Bucket="files", Key="elsewhere", Body=b"x")
    refused("NoSuchKey", 404, ada.get_object, Bucket="files", Key="elsewhere")
    refused("NoSuchKey", 404, nobody.get_object, Bucket="files", Key=f"{user}/own.txt")
    refused("AccessDenied", 403, nobody.create_multipart_upload, Bucket="files", Key="x")
    refused("AccessDenied", 403, ada.create_bucket, Bucket="mine")
    assert [line["Key"] for line in ada.list_objects_v2(Bucket="files")["Contents"]] == [f"{user}/own.txt"]
    ada.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "elsewhere"}]})
    assert body_of("elsewhere") == b"x"
    refused("NoSuchKey", 404, ada.copy_object, Bucket="files", Key=f"{user}/stolen", CopySource="files/elsewhere")
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    ada.upload_fileobj(io.BytesIO(b"z" * 6 * MIB), "files", f"{user}/large", Config=config)
    assert ada.head_object(Bucket="files", Key=f"{user}/large")["ContentLength"] == 6 * MIB
    upload = S3.create_multipart_upload(Bucket="files", Key=f"{user}/other")["UploadId"]
    refused("NoSuchUpload", 404, ada.upload_part, Bucket="files", Key=f"{user}/other", UploadId=upload, PartNumber=1, Body=b"x")
    assert "Uploads" not in ada.list_multipart_uploads(Bucket="files")
    # The same object at the other door.
    info = rest("GET", f"/storage/v1/object/info/files/{user}/own.txt", token)[1]
    assert (info["size"], info["content_type"], info["metadata"]) == (3, "text/plain", {"mood": "good"}), info
    assert info["etag"] == ada.head_object(Bucket="files", Key=f"{user}/own.txt")["ETag"]
    url = ada.generate_presigned_url("get_object", Params={"Bucket": "files", "Key": f"{user}/own.txt"})
    assert fetch(url)[:2] == (200, b"own")
    refused("SignatureDoesNotMatch", 403, client("local", SECRET, token).list_buckets)
    refused("InvalidToken", 403, client("local", ANON_KEY, token[:-4] + "AAAA").list_buckets)
    refused("InvalidAccessKeyId", 403, client("local", ANON_KEY).list_buckets)
    refused("SignatureDoesNotMatch", 403, client(KEY_ID, "wrong").list_buckets)
    assert rest("POST", "/auth/v1/logout", token)[0] == 204
    refused("InvalidToken", 403, ada.list_objects_v2, Bucket="files")
    assert fetch(url)[0] == 403, "what a session signed is over with it"


def body_of(key):
    return S3.get_object(Bucket="files", Key=key)["Body"].read()


for step in [buckets, objects, ranges_and_conditions, checksums, listings, copies_and_deletes, multipart, presigned, sessions]:
    step()
    print("done:", step.__name__)
