"""Archives that look like V8's, and ones with something wrong, for the tests."""

import gzip
import struct

SYMBOLS = (
    b"v8__V8__Initialize",
    b"v8__Isolate__New",
    b"v8__Context__New",
    b"v8__Script__Compile",
    b"v8__SnapshotCreator__CreateBlob",
)
VERSION = "150.4.0"


def archive(symbols=SYMBOLS, members=1200, stated=b"15.0.245.2-rusty") -> bytes:
    """A static library with these symbols, of this many members, the last of which states V8's version."""
    table = struct.pack(">I", len(symbols)) + b"\0\0\0\0" * len(symbols) + b"".join(name + b"\0" for name in symbols)
    parts = [b"!<arch>\n", _member(b"/", table)]
    parts += [_member(b"f%d.o/" % number, b"odd") for number in range(members - 1)]
    parts.append(_member(b"version.o/", b"before " + stated + b" after"))
    return b"".join(parts)


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def _member(name: bytes, content: bytes) -> bytes:
    header = b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"644", len(content))
    return header + content + (b"\n" if len(content) % 2 else b"")
