"""Drives a running server's queues with the real boto3. Arguments: its address, the access key's id, its secret."""

import io
import json
import sys
import time
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL, KEY_ID, SECRET = sys.argv[1:4]


def client(service, path):
    access = {"region_name": "eu-west-1", "aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    return boto3.client(service, endpoint_url=URL + path, config=Config(retries={"total_max_attempts": 1}), **access)


SQS, LAMBDA = client("sqs", "/sqs/"), client("lambda", "")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error
    raise AssertionError(f"{code} was expected")


def main():
    dead = SQS.create_queue(QueueName="dead")["QueueUrl"]
    arn = SQS.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = '{"deadLetterTargetArn": "%s", "maxReceiveCount": "1"}' % arn
    url = SQS.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"}, tags={"a": "b"})["QueueUrl"]
    assert SQS.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert SQS.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    assert sorted(SQS.list_queues()["QueueUrls"]) == sorted([dead, url])

    # The client itself compares the checksums of what it sends and receives.
    attributes = {"n": {"DataType": "Number", "StringValue": "7"}, "b": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
    sent = SQS.send_message(QueueUrl=url, MessageBody="grüße", MessageAttributes=attributes)
    got = SQS.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    assert [one["MessageId"] for one in got] == [sent["MessageId"]] and got[0]["Body"] == "grüße", got
    assert got[0]["MessageAttributes"]["b"]["BinaryValue"] == b"\0\1", got
    assert "Messages" not in SQS.receive_message(QueueUrl=url)
    buried = SQS.receive_message(QueueUrl=dead, WaitTimeSeconds=5)["Messages"]
    assert buried[0]["MessageId"] == sent["MessageId"]
    SQS.delete_message(QueueUrl=dead, ReceiptHandle=buried[0]["ReceiptHandle"])

    batch = SQS.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    assert len(batch["Successful"]) == 10 and not batch.get("Failed"), batch
    got = SQS.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30)["Messages"]
    assert sorted(one["Body"] for one in got) == [str(n) for n in range(10)]
    SQS.change_message_visibility(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=60)
    ended = SQS.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(got)])
    assert len(ended["Successful"]) == 10, ended

    SQS.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "3"})
    assert SQS.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "3"}
    SQS.purge_queue(QueueUrl=url)
    refused("AWS.SimpleQueueService.PurgeQueueInProgress", SQS.purge_queue, QueueUrl=url)
    refused("AWS.SimpleQueueService.NonExistentQueue", SQS.get_queue_url, QueueName="nobody")
    refused("ReceiptHandleIsInvalid", SQS.delete_message, QueueUrl=url, ReceiptHandle="none")
    assert refused("QueueAlreadyExists", SQS.create_queue, QueueName="orders", Attributes={"DelaySeconds": "9"})
    SQS.delete_queue(QueueUrl=url)
    assert SQS.list_queues()["QueueUrls"] == [dead]
    a_queue_feeds_a_function(dead)


def a_queue_feeds_a_function(answers):
    """What a function is fed with from one queue ends up, as the record of an asynchronous call, in another."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as files:
        files.writestr("index.js", "exports.handler = async (event) => event.Records.map((record) => record.body);")
    role = "arn:aws:iam::000000000000:role/any"
    LAMBDA.create_function(FunctionName="fed", Role=role, Runtime="nodejs22.x", Handler="index.handler", Code={"ZipFile": code.getvalue()})
    source = SQS.create_queue(QueueName="source")["QueueUrl"]
    arn = SQS.get_queue_attributes(QueueUrl=source, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    filters = {"Filters": [{"Pattern": json.dumps({"body": {"wanted": [True]}})}]}
    made = LAMBDA.create_event_source_mapping(FunctionName="fed", EventSourceArn=arn, BatchSize=5, FilterCriteria=filters)
    assert made["State"] == "Enabled" and made["BatchSize"] == 5 and made["FilterCriteria"] == filters, made
    assert [one["UUID"] for one in LAMBDA.list_event_source_mappings(FunctionName="fed")["EventSourceMappings"]] == [made["UUID"]]
    SQS.send_message(QueueUrl=source, MessageBody='{"wanted": true}')
    SQS.send_message(QueueUrl=source, MessageBody='{"wanted": false}')
    deadline = time.monotonic() + 60
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while set(SQS.get_queue_attributes(QueueUrl=source, AttributeNames=names)["Attributes"].values()) != {"0"}:
        assert time.monotonic() < deadline, "the messages are not handed over"
        time.sleep(0.05)
    assert LAMBDA.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "OK"
    changed = LAMBDA.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    assert changed["State"] == "Disabled", changed
    assert LAMBDA.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"
    answers_arn = SQS.get_queue_attributes(QueueUrl=answers, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    destinations = {"OnSuccess": {"Destination": answers_arn}}
    LAMBDA.put_function_event_invoke_config(FunctionName="fed", DestinationConfig=destinations)
    LAMBDA.invoke(FunctionName="fed", InvocationType="Event", Payload=b'{"Records": [{"body": "an event"}]}')
    told = SQS.receive_message(QueueUrl=answers, WaitTimeSeconds=20)["Messages"][0]
    assert json.loads(told["Body"])["responsePayload"] == ["an event"], told


if __name__ == "__main__":
    main()
