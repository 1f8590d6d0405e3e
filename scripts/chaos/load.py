"""Work of every kind, as fast as it is taken, and what of it was acknowledged."""

import itertools
import json
import threading
import time

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KINDS = ["sync", "beside", "event", "failing", "message"]
RETRY = 0.2


class Load:
    """Threads that give work to the server until they are stopped; `acknowledged` has, by kind, what the server took and under which request id."""

    def __init__(self, world) -> None:
        self.world = world
        self.acknowledged: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        self.refused = dict.fromkeys(KINDS, 0)
        self._stop = threading.Event()
        self._numbers = itertools.count()
        access = {"region_name": "local", "aws_access_key_id": world.keys["access_key_id"], "aws_secret_access_key": world.keys["secret_access_key"]}
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=20)
        self.functions = Session().client("lambda", endpoint_url=f"http://127.0.0.1:{world.port}", config=config, **access)
        self.sqs = Session().client("sqs", endpoint_url=f"http://127.0.0.1:{world.port}/sqs/", config=config, **access)
        self._threads = []

    def start(self) -> None:
        self._stop.clear()
        doers = {"sync": self._sync, "beside": self._beside, "event": self._event, "failing": self._failing, "message": self._messages}
        each = [pair for pair in doers.items() for _ in range(2)]
        self._threads = [threading.Thread(target=self._run, args=pair, daemon=True) for pair in each]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind: str, do) -> None:
        while not self._stop.is_set():
            try:
                taken = do()
            except (OSError, ClientError, BotoCoreError):
                # The server is away, or has no room: that is the client's to know, and nothing was promised.
                self.refused[kind] += 1
                time.sleep(RETRY)
                continue
            self.acknowledged[kind].update(taken)

    def _id(self) -> str:
        return str(next(self._numbers))

    def _sync(self) -> dict[str, str]:
        return self._synchronous("works", "sync")

    def _beside(self) -> dict[str, str]:
        return self._synchronous("beside", "beside")

    def _synchronous(self, function: str, kind: str) -> dict[str, str]:
        number = self._id()
        answer = self.functions.invoke(FunctionName=function, Payload=_event(kind, number))
        if "FunctionError" in answer:
            raise OSError("the function failed")
        if json.loads(answer["Payload"].read()) != {"id": number}:
            raise OSError("the answer is another call's")
        return {number: answer["ResponseMetadata"]["RequestId"]}

    def _event(self) -> dict[str, str]:
        return self._asynchronous("event")

    def _failing(self) -> dict[str, str]:
        time.sleep(RETRY)
        return self._asynchronous("failing")

    def _asynchronous(self, kind: str) -> dict[str, str]:
        number = self._id()
        answer = self.functions.invoke(FunctionName="works", InvocationType="Event", Payload=_event(kind, number))
        return {number: answer["ResponseMetadata"]["RequestId"]}

    def _messages(self) -> dict[str, str]:
        numbers = [self._id() for _ in range(5)]
        url = f"http://127.0.0.1:{self.world.port}/sqs/000000000000/work"
        sent = self.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": number, "MessageBody": number} for number in numbers])
        return {one["Id"]: one["MessageId"] for one in sent["Successful"]}


def _event(kind: str, number: str) -> bytes:
    return json.dumps({"kind": kind, "id": number}).encode()
