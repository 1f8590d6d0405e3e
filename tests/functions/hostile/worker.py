#!/usr/bin/python3
"""A function worker that means harm: it speaks the protocol up to the point the call's payload names, and breaks it there.

It is started in place of the real one. A call's payload is JSON: {"mode": ..., "seed": ...}.
"""

import json
import os
import random
import socket
import struct
import sys
import time

USAGE = {"wall_us": 1, "cpu_us": 1, "heap_bytes": 1}
OFF = {"off": "none"}


def bundle(length):
    """One module of so many bytes, as a compilation answers it."""
    module = {"file": "index.js", "kind": "module", "code_len": length, "map_len": 0, "cache_len": 0}
    return {"style": "default_fetch", "modules": [module]}


def frame(message, body=b""):
    """A message is `{its type: what it says}`; anything that is no message goes as it is."""
    if isinstance(message, dict) and "type" in message:
        message = {message["type"]: {key: value for key, value in message.items() if key != "type"}}
    head = json.dumps(message).encode()
    return struct.pack("<II", len(head) + 4 + len(body), len(head)) + head + body


def answer(call, body=b"{}", **more):
    return frame({"type": "answer", "call": call, "http": {"status": 200, "headers": []}, "usage": USAGE, **more}, body)


def log(call, text):
    return frame({"type": "log", "call": call, "level": "INFO", "text": text})


def ask(call, number, body=b"", store="default", what=None):
    """A question to a key-value store."""
    question = {"kv": {"store": store, "ask": what or {"set": {"key": "k", "form": "json"}}}}
    return frame({"type": "ask", "call": call, "number": number, "question": question}, body)


def receive(sock):
    """The next frame: its kind, what it says, its body."""
    (length,) = struct.unpack("<I", read(sock, 4))
    whole = read(sock, length)
    (head_length,) = struct.unpack("<I", whole[:4])
    ((kind, message),) = json.loads(whole[4 : 4 + head_length]).items()
    return kind, message, whole[4 + head_length :]


def forever(sock, data):
    while True:
        sock.sendall(data)


def scramble(rng, call):
    """A good answer with some of its bytes changed, cut or doubled."""
    data = bytearray(answer(call, os.urandom(rng.randrange(64))))
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(data))
        what = rng.randrange(3)
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(1, 8)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 8))
        if not data:
            return b"\0"
    return bytes(data)


def misbehave(sock, mode, seed, call):
    rng = random.Random(seed)
    if mode == "good":
        sock.sendall(answer(call, b'"good"'))
        return
    if mode == "random":
        sock.sendall(rng.randbytes(rng.randrange(1, 4096)))
    elif mode == "scramble":
        sock.sendall(scramble(rng, call))
    elif mode == "messages":
        kinds = [
            {"type": "ready", "no_new_privs": OFF, "landlock": OFF, "seccomp": OFF},
            {"type": "initialised", **USAGE},
            {"type": "compiled", **bundle(2**53)},
            {"type": "rejected", "diagnostics": []},
            {"type": "answer", "call": call + rng.choice([-1, 1, 2**40]), "http": None, "usage": USAGE},
            {"type": "failed", "call": call + 1, "error": {"errorType": "E", "errorMessage": "m", "trace": []}, "fatal": False, "usage": USAGE},
            {"type": "fetch", "stream": (call << 24) + 2, "method": "GET", "url": "", "headers": [], "body": "none"},
            {"type": "unknown"},
            {"type": "answer"},
            [],
            None,
            "answer",
        ]
        sock.sendall(frame(rng.choice(kinds), rng.randbytes(rng.randrange(100))))
    elif mode == "lengths":
        length = rng.choice([0, 1, 2, 3, 2**26 + 1, 2**31, 2**32 - 1])
        sock.sendall(struct.pack("<II", length, rng.choice([0, 5, 2**32 - 1])))
    elif mode == "inner length":
        sock.sendall(struct.pack("<II", 100, rng.choice([97, 1000, 2**32 - 1])) + b"x" * 96)
    elif mode == "too large":
        forever(sock, answer(call, b"x" * (7 * 1024 * 1024)))
    elif mode == "drip":
        sock.sendall(struct.pack("<II", 6 * 1024 * 1024, 10))
        while True:
            sock.sendall(b"x")
            time.sleep(0.01)
    elif mode == "silence":
        time.sleep(60)
    elif mode == "half":
        whole = answer(call)
        sock.sendall(whole[: rng.randrange(1, len(whole))])
    elif mode == "logs":
        forever(sock, log(call, "x" * 60000))
    elif mode == "empty logs":
        forever(sock, log(call, "") * 1000)
    elif mode == "pending":
        many = {f"operation {at}": 4294967295 for at in range(5000)}
        told = {"running": True, "timers": 4294967295, "soonest": [[-1, True]] * 5000, "operations": many, "open": many, "wait_until": 7}
        forever(sock, frame({"type": "pending", "call": call, **told}))
    elif mode == "nested":
        head = b'{"answer":' + b"[" * 400000
        sock.sendall(struct.pack("<II", len(head) + 4, len(head)) + head)
    elif mode == "ask refused":
        sock.sendall(ask(call, 1, b"1") + ask(call, 2, b"", "x" * 1000) + ask(call, 3, b"no JSON", what={"get": {"key": "k" * 10000}}))
        codes = sorted(receive(sock)[1]["answer"]["refused"]["code"] for _ in range(3))
        sock.sendall(answer(call, json.dumps(codes).encode()))
        return
    elif mode == "ask number":
        sock.sendall(ask(call, rng.choice([0, 2, 2**64 - 1])))
    elif mode == "ask twice":
        sock.sendall(ask(call, 1) + ask(call, 1))
    elif mode == "ask flood":
        for number in range(1, 30_000):
            sock.sendall(ask(call, number, b"1" * 100))
    elif mode == "ask too much":
        forever(sock, ask(call, 1, b"1" * (5 * 1024 * 1024)) + ask(call, 2, b"1" * (5 * 1024 * 1024)))
    elif mode == "ask too long":
        forever(sock, ask(call, 1, b"1" * (7 * 1024 * 1024)))
    elif mode == "ask nothing":
        questions = [{}, None, [], "kv", {"kv": {}}, {"kv": {"store": 1, "ask": {"get": {"key": "k"}}}}, {"invoke": {}}]
        sock.sendall(frame({"type": "ask", "call": call, "number": 1, "question": rng.choice(questions)}))
    elif mode == "leftovers":
        sock.sendall(answer(call, b'"first"') + answer(call, b'"second"'))
        return
    elif mode == "head":
        headers = [["x" * 70000, "y"], ["bad\nname", "z"], ["a", "b\r\nc: d"]]
        sock.sendall(answer(call, http={"status": rng.choice([0, 99, 1000, 65535]), "headers": headers}))
        return
    elif mode == "gone":
        os._exit(rng.choice([0, 1, 77]))
    if mode in ("half", "random", "scramble"):
        # What was sent may be the front of a frame: nothing more comes, or the end.
        if rng.randrange(2):
            os._exit(0)
        time.sleep(60)
    time.sleep(60)


def read(sock, count):
    data = bytearray()
    while len(data) < count:
        chunk = sock.recv(min(count - len(data), 1 << 20))
        if not chunk:
            sys.exit(0)
        data += chunk
    return bytes(data)


def main():
    if "--make-snapshot" in sys.argv:
        sys.stdout.write("none")
        return
    sock = socket.socket(fileno=0)
    sock.setblocking(True)
    sock.sendall(frame({"type": "ready", "no_new_privs": OFF, "landlock": OFF, "seccomp": OFF}))
    while True:
        kind, message, body = receive(sock)
        if kind == "compile":
            sock.sendall(frame({"type": "compiled", **bundle(len(body))}, body))
        elif kind == "assign":
            mode = message["function"]
            if mode == "init-logs":
                forever(sock, log(0, "x" * 60000))
            elif mode == "init-random":
                sock.sendall(random.Random(1).randbytes(4096))
                time.sleep(60)
            elif mode == "init-answer":
                sock.sendall(answer(1))
                time.sleep(60)
            sock.sendall(frame({"type": "initialised", **USAGE}))
        else:
            wanted = json.loads(body)
            misbehave(sock, wanted["mode"], wanted["seed"], message["call"])


main()
