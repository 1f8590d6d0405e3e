"""Drives storage of a running server with the real supabase-py. Arguments: its address, the anon key, the service key."""

import sys
import urllib.request

from storage3.exceptions import StorageApiError
from supabase import create_client

url, anon_key, service_key = sys.argv[1:]
service = create_client(url, service_key)
ada = create_client(url, anon_key)
user = ada.auth.sign_up({"email": "ada@example.org", "password": "correct horse battery"}).user.id


def refused(status, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except StorageApiError as error:
        assert str(error.status) == status, error
        return
    raise AssertionError(f"it was not refused with {status}")


service.storage.create_bucket("docs", options={"public": False, "file_size_limit": 1000, "allowed_mime_types": ["text/*"]})
refused("409", service.storage.create_bucket, "docs")
bucket = service.storage.get_bucket("docs")
assert (bucket.id, bucket.owner, bucket.file_size_limit) == ("docs", "", 1000), bucket
assert {"docs", "files", "pictures"} <= {one.name for one in service.storage.list_buckets()}
service.storage.update_bucket("docs", {"public": True})
service.storage.empty_bucket("docs")
service.storage.delete_bucket("docs")
refused("404", service.storage.get_bucket, "docs")

files = ada.storage.from_("files")
path = f"{user}/notes/one two.txt"
assert files.upload(path, b"first", {"content-type": "text/plain", "metadata": {"mood": "good"}}).path == path
refused("409", files.upload, path, b"second")
files.upload(path, b"second", {"content-type": "text/plain", "upsert": "true"})
assert files.download(path) == b"second"
files.update(path, b"third", {"content-type": "text/plain"})
assert files.download(path) == b"third"
info = files.info(path)
assert (info["size"], info["content_type"]) == (5, "text/plain"), info
assert files.exists(path) and not files.exists(f"{user}/none")
refused("403", files.upload, "elsewhere.txt", b"x")
refused("404", files.download, f"{user}/none")

assert [line["name"] for line in files.list(user)] == ["notes"]
files.copy(path, f"{user}/copied.txt")
files.move(f"{user}/copied.txt", f"{user}/moved.txt")
page = files.list_v2({"prefix": f"{user}/", "with_delimiter": True})
assert ([one.name for one in page.folders], [one.name for one in page.objects]) == ([f"{user}/notes/"], [f"{user}/moved.txt"]), page

signed = files.create_signed_url(path, 60)["signedURL"]
assert urllib.request.urlopen(signed).read() == b"third"
many = files.create_signed_urls([path, f"{user}/none"], 60)
assert urllib.request.urlopen(many[0]["signedURL"]).read() == b"third" and many[1]["error"], many
upload = files.create_signed_upload_url(f"{user}/given.txt")
files.upload_to_signed_url(upload["path"], upload["token"], b"given", {"content-type": "text/plain"})
assert files.download(f"{user}/given.txt") == b"given"
assert [one["name"] for one in files.remove([f"{user}/given.txt"])] == [f"{user}/given.txt"]

service.storage.from_("pictures").upload("a b.png", b"\x89PNG", {"content-type": "image/png"})
assert urllib.request.urlopen(service.storage.from_("pictures").get_public_url("a b.png")).read() == b"\x89PNG"
