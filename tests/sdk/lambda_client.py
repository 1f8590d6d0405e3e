"""Drives a running server with the real boto3. Arguments: its address, the access key's id, its secret."""

import base64
import hashlib
import io
import json
import sys
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

URL, KEY_ID, SECRET = sys.argv[1:]
ROLE = "arn:aws:iam::000000000000:role/lambda"
ECHO = "export const handler = async (event, context) => ({ event, version: context.functionVersion, arn: context.invokedFunctionArn });"


def client(key_id=KEY_ID, secret=SECRET, region="us-east-1", **more):
    config = Config(retries={"max_attempts": 1, "mode": "standard"})
    return boto3.client(
        "lambda",
        endpoint_url=URL,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=config,
        **more,
    )


LAMBDA = client()


def packed(source, name="index.mjs"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, source)
    return out.getvalue()


def create(name, source=ECHO, **more):
    fields = {"Role": ROLE, "Runtime": "nodejs22.x", "Handler": "index.handler", "Code": {"ZipFile": packed(source)}}
    return LAMBDA.create_function(FunctionName=name, **{**fields, **more})


def invoked(name, event=None, **more):
    answer = LAMBDA.invoke(FunctionName=name, Payload=json.dumps(event if event is not None else {}), **more)
    return answer, json.loads(answer["Payload"].read())


def refused(code, status, call, **arguments):
    """The exception that a call ends in; fails when it is another."""
    try:
        call(**arguments)
    except ClientError as error:
        found = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), (found, error)
        assert error.response["Error"]["Message"], error.response
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error
    raise AssertionError(f"{call} was not refused with {code}")


def makes_and_invokes():
    code = packed(ECHO)
    made = create("first", Code={"ZipFile": code}, Description="the first", Environment={"Variables": {"A": "1"}}, Tags={"team": "web"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == "arn:aws:lambda:local:000000000000:function:first"
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert made["CodeSize"] == len(code)
    assert (made["Version"], made["State"], made["LastUpdateStatus"]) == ("$LATEST", "Active", "Successful")
    assert (made["Runtime"], made["Role"], made["Handler"]) == ("nodejs22.x", ROLE, "index.handler")
    assert (made["Timeout"], made["MemorySize"], made["PackageType"]) == (3, 128, "Zip")
    assert made["Environment"]["Variables"] == {"A": "1"}
    assert made["TracingConfig"] == {"Mode": "PassThrough"} and made["Architectures"] == ["x86_64"]
    assert made["LoggingConfig"]["LogGroup"] == "/aws/lambda/first"
    for waiter in ("function_active_v2", "function_updated_v2", "function_exists"):
        LAMBDA.get_waiter(waiter).wait(FunctionName="first")
    answer, body = invoked("first", {"x": [1, "ä"]})
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST" and "FunctionError" not in answer
    assert body == {"event": {"x": [1, "ä"]}, "version": "$LATEST", "arn": made["FunctionArn"]}
    found = LAMBDA.get_function(FunctionName=made["FunctionArn"])
    assert found["Tags"] == {"team": "web"} and found["Code"]["RepositoryType"] == "S3"
    with urllib.request.urlopen(found["Code"]["Location"]) as download:
        assert download.read() == code
    assert LAMBDA.get_function_configuration(FunctionName="000000000000:function:first")["RevisionId"] == made["RevisionId"]
    refused("ResourceConflictException", 409, create, name="first")


def tells_of_calls():
    source = """
        export const handler = async (event, context) => {
          console.log("seen", event.n);
          if (event.fail) throw new TypeError("no good");
          return { id: context.awsRequestId, client: context.clientContext };
        };"""
    create("told", source)
    custom = base64.b64encode(json.dumps({"custom": {"k": "v"}, "client": {"installation_id": "i"}}).encode()).decode()
    answer, body = invoked("told", {"n": 7}, LogType="Tail", ClientContext=custom)
    assert body["client"]["custom"] == {"k": "v"}, body
    log = base64.b64decode(answer["LogResult"]).decode()
    first, line, end, report = log.strip().split("\n")
    request = body["id"]
    assert first == f"START RequestId: {request} Version: $LATEST", log
    assert line.split("\t")[1:] == [request, "INFO", "seen 7"], log
    assert end == f"END RequestId: {request}" and report.startswith(f"REPORT RequestId: {request}\t"), log
    failed, body = invoked("told", {"fail": True})
    assert failed["StatusCode"] == 200 and failed["FunctionError"] == "Unhandled"
    assert (body["errorType"], body["errorMessage"]) == ("TypeError", "no good") and body["trace"][0] == "TypeError: no good"
    dry = LAMBDA.invoke(FunctionName="told", InvocationType="DryRun")
    assert dry["StatusCode"] == 204
    assert invoked("told", {"n": 0}, Qualifier="$LATEST")[0]["ExecutedVersion"] == "$LATEST"
    refused("InvalidRequestContentException", 400, LAMBDA.invoke, FunctionName="told", Payload=b"{no json")
    refused("InvalidRequestContentException", 400, LAMBDA.invoke, FunctionName="told", ClientContext="%%%")
    refused("RequestTooLargeException", 413, LAMBDA.invoke, FunctionName="told", Payload=b'"' + b"x" * (6 * 1024 * 1024) + b'"')
    refused("InvalidRequestContentException", 400, LAMBDA.invoke, FunctionName="told", InvocationType="Event", Payload=b"{no json")
    refused("RequestTooLargeException", 413, LAMBDA.invoke, FunctionName="told", InvocationType="Event", Payload=b'"' + b"x" * 1024 * 1024 + b'"')
    missing = refused("ResourceNotFoundException", 404, LAMBDA.invoke, FunctionName="missing")
    assert "Function not found: arn:aws:lambda:local:000000000000:function:missing" in str(missing)
    refused("ResourceNotFoundException", 404, LAMBDA.invoke, FunctionName="told", Qualifier="7")
    refused("InvalidParameterValueException", 400, LAMBDA.invoke, FunctionName="told:1", Qualifier="2")


def changes_code_and_configuration():
    made = create("changing")
    for number in range(5):
        source = f"export const handler = async () => {number};"
        updated = LAMBDA.update_function_code(FunctionName="changing", ZipFile=packed(source))
        configured = LAMBDA.update_function_configuration(FunctionName="changing", Timeout=number + 4)
        assert invoked("changing")[1] == number
        assert len({made["RevisionId"], updated["RevisionId"], configured["RevisionId"]}) == 3
        assert (configured["Timeout"], configured["CodeSha256"]) == (number + 4, updated["CodeSha256"])
    dry = LAMBDA.update_function_code(FunctionName="changing", ZipFile=packed(ECHO), DryRun=True)
    assert dry["RevisionId"] == configured["RevisionId"] and invoked("changing")[1] == 4
    stale = made["RevisionId"]
    refused("PreconditionFailedException", 412, LAMBDA.update_function_configuration, FunctionName="changing", RevisionId=stale)
    everything = LAMBDA.update_function_configuration(
        FunctionName="changing",
        Description="changed",
        MemorySize=256,
        Environment={"Variables": {"GREETING": "hello"}},
        TracingConfig={"Mode": "Active"},
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogFormat": "JSON"},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:local:000000000000:dead"},
        RevisionId=configured["RevisionId"],
    )
    assert everything["MemorySize"] == 256 and everything["Environment"]["Variables"] == {"GREETING": "hello"}
    assert everything["TracingConfig"] == {"Mode": "Active"} and everything["EphemeralStorage"] == {"Size": 1024}
    assert everything["LoggingConfig"]["LogFormat"] == "JSON"
    assert everything["DeadLetterConfig"]["TargetArn"].endswith(":dead")
    handler = "export const one = async () => 1; export const two = async () => 2;"
    LAMBDA.update_function_code(FunctionName="changing", ZipFile=packed("export const handler = 1;" + handler))
    LAMBDA.update_function_configuration(FunctionName="changing", Handler="index.two")
    assert invoked("changing")[1] == 2
    refused("ResourceNotFoundException", 404, LAMBDA.update_function_configuration, FunctionName="missing", Timeout=4)
    for wrong in (
        {"MemorySize": 10241},
        {"Timeout": 901},
        {"Description": "x" * 257},
        {"Runtime": "python3.13"},
        {"Role": "nobody"},
        {"Handler": "two words"},
        {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]},
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        {"Environment": {"Variables": {"BIG": "x" * 4096}}},
    ):
        refused("InvalidParameterValueException", 400, LAMBDA.update_function_configuration, FunctionName="changing", **wrong)
    refused("InvalidParameterValueException", 400, LAMBDA.update_function_code, FunctionName="changing", ZipFile=b"no zip")
    refused("InvalidParameterValueException", 400, LAMBDA.update_function_code, FunctionName="changing", ZipFile=packed("this is not {"))
    refused("InvalidParameterValueException", 400, LAMBDA.update_function_code, FunctionName="changing", S3Bucket="bucket", S3Key="key")


def publishes_versions():
    made = create("published", "export const handler = async (e, c) => [1, c.functionVersion, process.env.AWS_LAMBDA_FUNCTION_VERSION];", Publish=True)
    assert made["Version"] == "1" and made["FunctionArn"].endswith(":published:1")
    again = LAMBDA.publish_version(FunctionName="published")
    assert again["Version"] == "1", "nothing changed"
    two = "export const handler = async (e, c) => [2, c.functionVersion, process.env.AWS_LAMBDA_FUNCTION_VERSION];"
    latest = LAMBDA.update_function_code(FunctionName="published", ZipFile=packed(two))
    refused("InvalidParameterValueException", 400, LAMBDA.publish_version, FunctionName="published", CodeSha256=made["CodeSha256"])
    refused("PreconditionFailedException", 412, LAMBDA.publish_version, FunctionName="published", RevisionId=made["RevisionId"])
    second = LAMBDA.publish_version(
        FunctionName="published", CodeSha256=latest["CodeSha256"], Description="the second", RevisionId=latest["RevisionId"]
    )
    assert (second["Version"], second["Description"]) == ("2", "the second")
    LAMBDA.get_waiter("published_version_active").wait(FunctionName="published", Qualifier="2")
    assert invoked("published", Qualifier="1")[1] == [1, "1", "1"]
    assert invoked("published:2")[1] == [2, "2", "2"]
    assert invoked("published", Qualifier="2")[0]["ExecutedVersion"] == "2"
    assert invoked("published")[1] == [2, "$LATEST", "$LATEST"]
    pages = LAMBDA.get_paginator("list_versions_by_function").paginate(FunctionName="published", PaginationConfig={"PageSize": 1})
    assert [version["Version"] for page in pages for version in page["Versions"]] == ["$LATEST", "1", "2"]
    LAMBDA.delete_function(FunctionName="published", Qualifier="1")
    refused("ResourceNotFoundException", 404, LAMBDA.invoke, FunctionName="published", Qualifier="1")
    refused("InvalidParameterValueException", 400, LAMBDA.delete_function, FunctionName="published", Qualifier="$LATEST")
    LAMBDA.update_function_configuration(FunctionName="published", Timeout=9)
    assert LAMBDA.publish_version(FunctionName="published")["Version"] == "3", "a number is never given twice"


def points_aliases():
    create("aliased", "export const handler = async (e, c) => c.functionVersion;", Publish=True)
    LAMBDA.update_function_configuration(FunctionName="aliased", Timeout=5)
    LAMBDA.publish_version(FunctionName="aliased")
    made = LAMBDA.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1", Description="what runs")
    assert made["AliasArn"].endswith(":aliased:live") and made["FunctionVersion"] == "1" and "RoutingConfig" not in made
    answer, version = invoked("aliased", Qualifier="live")
    assert (answer["ExecutedVersion"], version) == ("1", "1")
    assert LAMBDA.get_function_configuration(FunctionName="aliased:live")["FunctionArn"].endswith(":aliased:live")
    weighted = LAMBDA.update_alias(FunctionName="aliased", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert weighted["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}} and weighted["RevisionId"] != made["RevisionId"]
    assert {invoked("aliased", Qualifier="live")[1] for _ in range(64)} == {"1", "2"}
    LAMBDA.update_alias(FunctionName="aliased", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {invoked("aliased", Qualifier="live")[1] for _ in range(4)} == {"2"}
    refused("PreconditionFailedException", 412, LAMBDA.update_alias, FunctionName="aliased", Name="live", RevisionId=made["RevisionId"])
    refused("ResourceConflictException", 409, LAMBDA.create_alias, FunctionName="aliased", Name="live", FunctionVersion="1")
    refused("ResourceNotFoundException", 404, LAMBDA.create_alias, FunctionName="aliased", Name="other", FunctionVersion="9")
    refused("InvalidParameterValueException", 400, LAMBDA.create_alias, FunctionName="aliased", Name="7", FunctionVersion="1")
    weights = {"AdditionalVersionWeights": {"1": 1.5}}
    refused("InvalidParameterValueException", 400, LAMBDA.update_alias, FunctionName="aliased", Name="live", RoutingConfig=weights)
    refused("ResourceConflictException", 409, LAMBDA.delete_function, FunctionName="aliased", Qualifier="2")
    LAMBDA.create_alias(FunctionName="aliased", Name="latest", FunctionVersion="$LATEST")
    assert invoked("aliased:latest")[1] == "$LATEST"
    listed = LAMBDA.list_aliases(FunctionName="aliased", MaxItems=1)
    assert [alias["Name"] for alias in listed["Aliases"]] == ["latest"]
    rest = LAMBDA.list_aliases(FunctionName="aliased", Marker=listed["NextMarker"])
    assert [alias["Name"] for alias in rest["Aliases"]] == ["live"] and "NextMarker" not in rest
    only = LAMBDA.list_aliases(FunctionName="aliased", FunctionVersion="2")
    assert [alias["Name"] for alias in only["Aliases"]] == ["live"]
    LAMBDA.delete_alias(FunctionName="aliased", Name="live")
    refused("ResourceNotFoundException", 404, LAMBDA.get_alias, FunctionName="aliased", Name="live")
    refused("ResourceNotFoundException", 404, LAMBDA.invoke, FunctionName="aliased", Qualifier="live")


def bounds_concurrency():
    create("bounded")
    assert LAMBDA.get_function_concurrency(FunctionName="bounded").get("ReservedConcurrentExecutions") is None
    put = LAMBDA.put_function_concurrency(FunctionName="bounded", ReservedConcurrentExecutions=0)
    assert put["ReservedConcurrentExecutions"] == 0
    stopped = refused("TooManyRequestsException", 429, LAMBDA.invoke, FunctionName="bounded")
    assert stopped.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", stopped.response
    assert stopped.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]
    assert LAMBDA.get_function(FunctionName="bounded")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    LAMBDA.put_function_concurrency(FunctionName="bounded", ReservedConcurrentExecutions=1)
    assert LAMBDA.get_function_concurrency(FunctionName="bounded")["ReservedConcurrentExecutions"] == 1
    invoked("bounded")
    LAMBDA.delete_function_concurrency(FunctionName="bounded")
    assert LAMBDA.get_function_concurrency(FunctionName="bounded").get("ReservedConcurrentExecutions") is None
    settings = LAMBDA.get_account_settings()
    assert settings["AccountUsage"]["FunctionCount"] >= 1 and settings["AccountLimit"]["ConcurrentExecutions"] >= 1


def calls_that_nobody_waits_for():
    # The second is called when an event is over, and tells later what it was called with: one environment, so one memory.
    create("over", "let last = null; export const handler = async (event) => { if (event.version === '1.0') last = event; return last; };")
    LAMBDA.put_function_concurrency(FunctionName="over", ReservedConcurrentExecutions=1)
    create("work", "export const handler = async (event) => { if (event.fail) throw new RangeError('no'); return { did: event.n }; };")
    arn = LAMBDA.get_function(FunctionName="over")["Configuration"]["FunctionArn"]
    missing = "ResourceNotFoundException"
    refused(missing, 404, LAMBDA.get_function_event_invoke_config, FunctionName="work")
    refused(missing, 404, LAMBDA.update_function_event_invoke_config, FunctionName="work", MaximumRetryAttempts=0)
    told = {"OnSuccess": {"Destination": arn}, "OnFailure": {"Destination": arn}}
    put = LAMBDA.put_function_event_invoke_config(
        FunctionName="work", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60, DestinationConfig=told
    )
    assert put["MaximumRetryAttempts"] == 0 and put["DestinationConfig"] == told and put["LastModified"].year >= 2026, put
    got = LAMBDA.get_function_event_invoke_config(FunctionName="work")
    assert (got["MaximumEventAgeInSeconds"], got["FunctionArn"].split(":")[-1]) == (60, "$LATEST"), got
    for event, condition in (({"n": 7}, "Success"), ({"fail": True}, "RetriesExhausted")):
        sent = LAMBDA.invoke(FunctionName="work", InvocationType="Event", Payload=json.dumps(event))
        assert sent["StatusCode"] == 202 and sent["Payload"].read() == b"", sent
        request = sent["ResponseMetadata"]["RequestId"]
        record = None
        for _ in range(400):
            try:
                record = invoked("over", {})[1]
            except ClientError as err:
                assert err.response["Error"]["Code"] == "TooManyRequestsException", err
            if record and record["requestContext"]["requestId"] == request:
                break
            time.sleep(0.05)
        assert record["requestContext"]["condition"] == condition and record["requestPayload"] == event, record
    assert record["responsePayload"] == {"errorType": "RangeError", "errorMessage": "no"}, record
    changed = LAMBDA.update_function_event_invoke_config(FunctionName="work", MaximumRetryAttempts=1)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (1, 60), changed
    listed = LAMBDA.list_function_event_invoke_configs(FunctionName="work")["FunctionEventInvokeConfigs"]
    assert [one["MaximumRetryAttempts"] for one in listed] == [1], listed
    LAMBDA.delete_function_event_invoke_config(FunctionName="work")
    refused(missing, 404, LAMBDA.get_function_event_invoke_config, FunctionName="work")


def provisions():
    create("ready", "const type = process.env.AWS_LAMBDA_INITIALIZATION_TYPE; export const handler = async () => type;", Publish=True)
    missing = "ProvisionedConcurrencyConfigNotFoundException"
    refused(missing, 404, LAMBDA.get_provisioned_concurrency_config, FunctionName="ready", Qualifier="1")
    put = LAMBDA.put_provisioned_concurrency_config(FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert put["RequestedProvisionedConcurrentExecutions"] == 1 and put["Status"] in ("IN_PROGRESS", "READY"), put
    for _ in range(200):
        got = LAMBDA.get_provisioned_concurrency_config(FunctionName="ready", Qualifier="1")
        if got["Status"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert (got["Status"], got["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 1), got
    assert invoked("ready", Qualifier="1")[1] == "provisioned-concurrency"
    listed = LAMBDA.list_provisioned_concurrency_configs(FunctionName="ready")["ProvisionedConcurrencyConfigs"]
    assert [config["FunctionArn"].split(":")[-1] for config in listed] == ["1"]
    latest = {"FunctionName": "ready", "Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}
    refused("InvalidParameterValueException", 400, LAMBDA.put_provisioned_concurrency_config, **latest)
    LAMBDA.delete_provisioned_concurrency_config(FunctionName="ready", Qualifier="1")
    refused(missing, 404, LAMBDA.get_provisioned_concurrency_config, FunctionName="ready", Qualifier="1")


def fetched(url, method="GET", body=None, headers=None, signed=False):
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    if signed:
        session = boto3.Session(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
        SigV4Auth(session.get_credentials(), "lambda", "eu-west-1").add_auth(request)
    sent = urllib.request.Request(url, data=body, method=method, headers=dict(request.headers))
    try:
        with urllib.request.urlopen(sent) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def gives_urls():
    source = """
        export const handler = async (event) => {
          if (event.rawPath === "/fail") throw new Error("secret");
          return { statusCode: 201, headers: { "x-a": "b" }, cookies: ["c=1", "d=2"], body: JSON.stringify(event) };
        };"""
    create("addressed", source)
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["POST"], "AllowHeaders": ["x-b"], "MaxAge": 60, "ExposeHeaders": ["x-a"]}
    made = LAMBDA.create_function_url_config(FunctionName="addressed", AuthType="NONE", Cors=cors)
    url = made["FunctionUrl"]
    assert made["AuthType"] == "NONE" and made["Cors"] == cors and made["InvokeMode"] == "BUFFERED" and made["CreationTime"]
    assert fetched(url)[0] == 403, "the policy does not let anybody in yet"
    LAMBDA.add_permission(
        FunctionName="addressed", StatementId="public", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    status, headers, body = fetched(url + "a%20b/c?x=1&x=2&y=%C3%A4", "POST", b"text", {"content-type": "text/plain", "cookie": "k=v; l=w"})
    event = json.loads(body)
    assert (status, headers["x-a"], headers.get_all("set-cookie")) == (201, "b", ["c=1", "d=2"])
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a%20b/c"), event
    assert (event["rawQueryString"], event["queryStringParameters"]) == ("x=1&x=2&y=%C3%A4", {"x": "1,2", "y": "ä"})
    assert (event["cookies"], event["body"], event["isBase64Encoded"]) == (["k=v", "l=w"], "text", False)
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and context["apiId"] in url and context["stage"] == "$default"
    assert (context["http"]["method"], context["http"]["path"]) == ("POST", "/a%20b/c")
    binary = json.loads(fetched(url, "POST", b"\xff\x00", {"content-type": "application/octet-stream"})[2])
    assert (binary["body"], binary["isBase64Encoded"]) == ("/wA=", True)
    assert fetched(url + "fail") [0] == 502 and fetched(url + "fail")[2] == b"Internal Server Error"
    asks = {"origin": "https://example.com", "access-control-request-method": "POST"}
    status, headers, _ = fetched(url, "OPTIONS", headers=asks)
    assert status == 200 and headers["access-control-allow-origin"] == "https://example.com"
    assert (headers["access-control-allow-methods"], headers["access-control-max-age"]) == ("POST", "60")
    assert fetched(url, headers={"origin": "https://example.com"})[1]["access-control-expose-headers"] == "x-a"
    assert "access-control-allow-origin" not in fetched(url, headers={"origin": "https://other.com"})[1]

    changed = LAMBDA.update_function_url_config(FunctionName="addressed", AuthType="AWS_IAM")
    assert changed["FunctionUrl"] == url and changed["Cors"] == cors
    assert fetched(url)[0] == 403
    status, _, body = fetched(url + "signed?b=2&a=1", "POST", b"{}", {"content-type": "application/json"}, signed=True)
    event = json.loads(body)
    assert status == 201 and event["requestContext"]["authorizer"]["iam"]["accessKey"] == KEY_ID
    assert "authorization" not in event["headers"]
    LAMBDA.publish_version(FunctionName="addressed")
    LAMBDA.create_alias(FunctionName="addressed", Name="live", FunctionVersion="1")
    LAMBDA.create_function_url_config(FunctionName="addressed", Qualifier="live", AuthType="AWS_IAM")
    listed = LAMBDA.list_function_url_configs(FunctionName="addressed")["FunctionUrlConfigs"]
    assert [config["FunctionArn"].split(":")[-1] for config in listed] == ["addressed", "live"]
    refused("ResourceConflictException", 409, LAMBDA.create_function_url_config, FunctionName="addressed", AuthType="NONE")
    LAMBDA.delete_function_url_config(FunctionName="addressed")
    refused("ResourceNotFoundException", 404, LAMBDA.get_function_url_config, FunctionName="addressed")
    assert fetched(url)[0] == 404


def keeps_policies_and_tags():
    made = create("shared")
    statement = LAMBDA.add_permission(
        FunctionName="shared", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket"
    )["Statement"]
    assert json.loads(statement)["Principal"] == {"Service": "s3.amazonaws.com"}
    policy = LAMBDA.get_policy(FunctionName="shared")
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(statement)]
    again = {"FunctionName": "shared", "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "*"}
    refused("ResourceConflictException", 409, LAMBDA.add_permission, **again)
    stale = {**again, "StatementId": "other", "RevisionId": "00000000-0000-4000-8000-000000000000"}
    refused("PreconditionFailedException", 412, LAMBDA.add_permission, **stale)
    long = {**again, "Principal": "x" * 200, "SourceArn": "arn:" + "y" * 200}
    for number in range(100):
        try:
            LAMBDA.add_permission(**{**long, "StatementId": f"long-{number}"})
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PolicyLengthExceededException", error
            break
    else:
        raise AssertionError("a policy grows without end")
    LAMBDA.remove_permission(FunctionName="shared", StatementId="s3")
    refused("ResourceNotFoundException", 404, LAMBDA.remove_permission, FunctionName="shared", StatementId="s3")
    create("unshared")
    refused("ResourceNotFoundException", 404, LAMBDA.get_policy, FunctionName="unshared")

    arn = made["FunctionArn"]
    LAMBDA.tag_resource(Resource=arn, Tags={"a": "1", "b c": "2/3"})
    LAMBDA.tag_resource(Resource=arn, Tags={"a": "4"})
    assert LAMBDA.list_tags(Resource=arn)["Tags"] == {"a": "4", "b c": "2/3"}
    LAMBDA.untag_resource(Resource=arn, TagKeys=["a", "b c"])
    assert LAMBDA.list_tags(Resource=arn)["Tags"] == {}
    missing = "arn:aws:lambda:local:000000000000:function:missing"
    refused("ResourceNotFoundException", 404, LAMBDA.list_tags, Resource=missing)


def lists_and_deletes():
    names = [f"list-{number:02}" for number in range(5)]
    for name in names:
        create(name, Publish=name.endswith("3"))
    pages = LAMBDA.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    listed = [function["FunctionName"] for page in pages for function in page["Functions"]]
    assert [name for name in listed if name.startswith("list-")] == names and listed == sorted(listed)
    pages = LAMBDA.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 3})
    every = [function["FunctionArn"].split("function:")[1] for page in pages for function in page["Functions"]]
    assert [arn for arn in every if arn.startswith("list-03")] == ["list-03:$LATEST", "list-03:1"]
    for name in names:
        LAMBDA.delete_function(FunctionName=name)
        refused("ResourceNotFoundException", 404, LAMBDA.get_function, FunctionName=name)
    refused("ResourceNotFoundException", 404, LAMBDA.delete_function, FunctionName="list-00")
    refused("InvalidParameterValueException", 400, LAMBDA.list_functions, Marker="%%")


def refuses_strangers():
    refused("UnrecognizedClientException", 403, client(key_id="PLNTAAAAAAAAAAAAAAAA").list_functions)
    refused("InvalidSignatureException", 403, client(secret="wrong").list_functions)
    refused("UnrecognizedClientException", 403, client(aws_session_token="token").list_functions)
    client(region="ap-southeast-2").list_functions()
    status, headers, body = fetched(URL + "/2015-03-31/functions")
    assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException"), body
    status, headers, body = fetched(URL + "/2015-03-31/nowhere", signed=True)
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException"), body


def main():
    steps = [
        makes_and_invokes,
        tells_of_calls,
        changes_code_and_configuration,
        publishes_versions,
        points_aliases,
        bounds_concurrency,
        calls_that_nobody_waits_for,
        provisions,
        gives_urls,
        keeps_policies_and_tags,
        lists_and_deletes,
        refuses_strangers,
    ]
    for step in steps:
        step()
        print(f"done: {step.__name__}")


if __name__ == "__main__":
    main()
