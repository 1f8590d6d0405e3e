"""Syncs a folder up and down with AWS's own command line. Arguments: the server's address, the access key's id, its secret, an empty folder."""

import os
import pathlib
import subprocess
import sys

URL, KEY_ID, SECRET, FOLDER = sys.argv[1:]
UP, DOWN = pathlib.Path(FOLDER) / "up", pathlib.Path(FOLDER) / "down"
VARIABLES = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": FOLDER,
    "LANG": "C.UTF-8",
    "AWS_ENDPOINT_URL_S3": f"{URL}/storage/v1/s3",
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def aws(*arguments):
    command = [sys.executable, "-m", "awscli", "s3", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, env=VARIABLES)
    assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


(UP / "deep" / "er").mkdir(parents=True)
DOWN.mkdir()
for name, content in {
    "one.txt": b"one",
    "empty": b"",
    "deep/two words.txt": b"two",
    "deep/er/grüße+&.bin": os.urandom(100_000),
    # Above 8 MiB it goes in parts.
    "deep/large.bin": os.urandom(19 * 1024 * 1024),
}.items():
    (UP / name).write_bytes(content)

aws("mb", "s3://folder")
assert "folder" in aws("ls")
aws("sync", str(UP), "s3://folder/")
listed = aws("ls", "--recursive", "s3://folder")
assert len(listed.splitlines()) == 5, listed
aws("sync", "s3://folder/", str(DOWN))
assert files(UP) == files(DOWN)
assert "upload:" not in aws("sync", str(UP), "s3://folder/"), "nothing has changed"

(UP / "one.txt").write_bytes(b"another")
(UP / "empty").unlink()
aws("sync", "--delete", str(UP), "s3://folder/")
aws("sync", "--delete", "s3://folder/", str(DOWN))
assert files(UP) == files(DOWN)
aws("mv", "s3://folder/one.txt", "s3://folder/moved.txt")
assert aws("cp", "s3://folder/moved.txt", "-") == "another"
aws("rm", "--recursive", "s3://folder")
aws("rb", "s3://folder")
