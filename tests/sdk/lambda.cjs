// Drives a running server with the real @aws-sdk/client-lambda. Arguments: its address, the access key's id, its secret, a file with a
// zip that holds index.mjs, whose handler answers {event, version}.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const sdk = require('@aws-sdk/client-lambda');

const [endpoint, accessKeyId, secretAccessKey, zip] = process.argv.slice(2);
const connect = (credentials) => new sdk.LambdaClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 });
const client = connect({ accessKeyId, secretAccessKey });
const send = (name, input) => client.send(new sdk[`${name}Command`](input));

const Role = 'arn:aws:iam::000000000000:role/lambda';
const ZipFile = fs.readFileSync(zip);
const FunctionName = 'from-js';

async function refused(name, status, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, name, `${error.name}: ${error.message}`);
    assert.equal(error.$metadata.httpStatusCode, status);
    assert.ok(error.message && error.$metadata.requestId);
    if (sdk[name]) assert.ok(error instanceof sdk[name]);
    return true;
  });
}

async function invoked(input) {
  const answer = await send('Invoke', { FunctionName, ...input });
  return [answer, JSON.parse(Buffer.from(answer.Payload).toString())];
}

async function makesAndInvokes() {
  const made = await send('CreateFunction', {
    FunctionName, Role, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile }, Timeout: 5,
    Environment: { Variables: { A: '1' } }, Tags: { team: 'web' },
  });
  assert.equal(made.State, 'Active');
  assert.equal(made.CodeSize, ZipFile.length);
  await sdk.waitUntilFunctionActiveV2({ client, maxWaitTime: 5 }, { FunctionName });
  await sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 5 }, { FunctionName });
  const [answer, body] = await invoked({ Payload: JSON.stringify({ x: 1 }), LogType: 'Tail' });
  assert.deepEqual([answer.StatusCode, answer.ExecutedVersion, answer.FunctionError], [200, '$LATEST', undefined]);
  assert.deepEqual(body, { event: { x: 1 }, version: '$LATEST' });
  assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /^START RequestId: .* Version: \$LATEST\n/);
  assert.equal((await send('Invoke', { FunctionName, InvocationType: 'DryRun' })).StatusCode, 204);
  const found = await send('GetFunction', { FunctionName: made.FunctionArn });
  assert.deepEqual([found.Configuration.Timeout, found.Tags], [5, { team: 'web' }]);
  const code = Buffer.from(await (await fetch(found.Code.Location)).arrayBuffer());
  assert.ok(code.equals(ZipFile));
}

async function changes() {
  const configured = await send('UpdateFunctionConfiguration', { FunctionName, MemorySize: 256, Description: 'changed' });
  assert.deepEqual([configured.MemorySize, configured.Timeout], [256, 5]);
  const updated = await send('UpdateFunctionCode', { FunctionName, ZipFile, Publish: true });
  assert.equal(updated.Version, '1');
  assert.equal((await send('PublishVersion', { FunctionName })).Version, '1');
  await send('UpdateFunctionConfiguration', { FunctionName, Timeout: 6 });
  assert.equal((await send('PublishVersion', { FunctionName })).Version, '2');
  const listed = await send('ListVersionsByFunction', { FunctionName });
  assert.deepEqual(listed.Versions.map((version) => version.Version), ['$LATEST', '1', '2']);
  assert.equal((await send('GetFunctionConfiguration', { FunctionName, Qualifier: '1' })).Timeout, 5);
  const all = [];
  for await (const page of sdk.paginateListFunctions({ client, pageSize: 1 }, { FunctionVersion: 'ALL' })) all.push(...page.Functions);
  assert.equal(all.filter((each) => each.FunctionName === FunctionName).length, 3);
}

async function aliases() {
  const RoutingConfig = { AdditionalVersionWeights: { 2: 1 } };
  const made = await send('CreateAlias', { FunctionName, Name: 'live', FunctionVersion: '1', RoutingConfig });
  assert.deepEqual(made.RoutingConfig, RoutingConfig);
  assert.equal((await invoked({ Qualifier: 'live' }))[1].version, '2');
  await send('UpdateAlias', { FunctionName, Name: 'live', RoutingConfig: { AdditionalVersionWeights: {} } });
  assert.equal((await invoked({ Qualifier: 'live' }))[0].ExecutedVersion, '1');
  assert.equal((await send('GetAlias', { FunctionName, Name: 'live' })).FunctionVersion, '1');
  assert.equal((await send('ListAliases', { FunctionName })).Aliases.length, 1);
}

async function settings() {
  await send('PutFunctionConcurrency', { FunctionName, ReservedConcurrentExecutions: 0 });
  await refused('TooManyRequestsException', 429, send('Invoke', { FunctionName }));
  assert.equal((await send('GetFunctionConcurrency', { FunctionName })).ReservedConcurrentExecutions, 0);
  await send('DeleteFunctionConcurrency', { FunctionName });
  const Resource = (await send('GetFunctionConfiguration', { FunctionName })).FunctionArn;
  await send('TagResource', { Resource, Tags: { more: 'yes' } });
  await send('UntagResource', { Resource, TagKeys: ['team'] });
  assert.deepEqual((await send('ListTags', { Resource })).Tags, { more: 'yes' });
  assert.ok((await send('GetAccountSettings', {})).AccountUsage.FunctionCount >= 1);
}

async function urls() {
  const Cors = { AllowOrigins: ['*'], AllowMethods: ['GET'] };
  const { FunctionUrl } = await send('CreateFunctionUrlConfig', { FunctionName, AuthType: 'NONE', Cors });
  assert.equal((await fetch(FunctionUrl)).status, 403);
  const grant = { FunctionName, StatementId: 'public', Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: 'NONE' };
  assert.equal(JSON.parse((await send('AddPermission', grant)).Statement).Sid, 'public');
  const answer = await (await fetch(`${FunctionUrl}sub?x=1`, { headers: { origin: 'https://a.example' } })).json();
  assert.deepEqual([answer.event.rawPath, answer.event.rawQueryString], ['/sub', 'x=1']);
  assert.equal(JSON.parse((await send('GetPolicy', { FunctionName })).Policy).Statement.length, 1);
  await send('RemovePermission', { FunctionName, StatementId: 'public' });
  assert.equal((await fetch(FunctionUrl)).status, 403);
  assert.equal((await send('UpdateFunctionUrlConfig', { FunctionName, AuthType: 'AWS_IAM' })).AuthType, 'AWS_IAM');
  assert.equal((await send('GetFunctionUrlConfig', { FunctionName })).FunctionUrl, FunctionUrl);
  assert.equal((await send('ListFunctionUrlConfigs', { FunctionName })).FunctionUrlConfigs.length, 1);
  await send('DeleteFunctionUrlConfig', { FunctionName });
}

async function refusals() {
  await refused('ResourceNotFoundException', 404, send('Invoke', { FunctionName: 'missing' }));
  await refused('InvalidRequestContentException', 400, send('Invoke', { FunctionName, Payload: '{no json' }));
  await refused('InvalidParameterValueException', 400, send('UpdateFunctionConfiguration', { FunctionName, MemorySize: 1 }));
  await refused('PreconditionFailedException', 412, send('PublishVersion', { FunctionName, RevisionId: 'x' }));
  const create = { FunctionName, Role, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile } };
  await refused('ResourceConflictException', 409, send('CreateFunction', create));
  const stranger = connect({ accessKeyId, secretAccessKey: 'wrong' });
  await refused('InvalidSignatureException', 403, stranger.send(new sdk.ListFunctionsCommand({})));
}

async function deletes() {
  await send('DeleteAlias', { FunctionName, Name: 'live' });
  await send('DeleteFunction', { FunctionName, Qualifier: '1' });
  await send('DeleteFunction', { FunctionName });
  await refused('ResourceNotFoundException', 404, send('GetFunction', { FunctionName }));
}

async function main() {
  for (const step of [makesAndInvokes, changes, aliases, settings, urls, refusals, deletes]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
