// Drives a running server's queues with the real @aws-sdk/client-sqs. Arguments: its address, the access key's id, its secret.
const assert = require('node:assert/strict');
const lambda = require('@aws-sdk/client-lambda');
const sdk = require('@aws-sdk/client-sqs');

const [url, accessKeyId, secretAccessKey] = process.argv.slice(2);
const client = new sdk.SQSClient({
  endpoint: `${url}/sqs/`, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1,
});
const functions = new lambda.LambdaClient({
  endpoint: url, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1,
});
const send = (name, input) => client.send(new sdk[`${name}Command`](input));

async function main() {
  const { QueueUrl } = await send('CreateQueue', { QueueName: 'from-js', Attributes: { VisibilityTimeout: '30' } });
  assert.equal(QueueUrl, `${url}/sqs/000000000000/from-js`);

  // The client itself compares the checksums, and sends to the queue's own URL.
  const MessageAttributes = { kind: { DataType: 'String', StringValue: 'order' } };
  const sent = await send('SendMessage', { QueueUrl, MessageBody: 'grüße', MessageAttributes });
  const waiting = { QueueUrl, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'], WaitTimeSeconds: 5 };
  const [message] = (await send('ReceiveMessage', waiting)).Messages;
  assert.deepEqual([message.MessageId, message.Body], [sent.MessageId, 'grüße']);
  assert.equal(message.MessageAttributes.kind.StringValue, 'order');
  assert.equal(message.Attributes.ApproximateReceiveCount, '1');
  await send('ChangeMessageVisibility', { QueueUrl, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0 });
  const [again] = (await send('ReceiveMessage', waiting)).Messages;
  assert.equal(again.MessageId, sent.MessageId);
  await send('DeleteMessage', { QueueUrl, ReceiptHandle: again.ReceiptHandle });

  const Entries = [{ Id: 'a', MessageBody: '1' }, { Id: 'b', MessageBody: '2' }];
  assert.equal((await send('SendMessageBatch', { QueueUrl, Entries })).Successful.length, 2);
  const held = (await send('ReceiveMessage', { ...waiting, MaxNumberOfMessages: 10 })).Messages;
  const ended = held.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
  assert.equal((await send('DeleteMessageBatch', { QueueUrl, Entries: ended })).Successful.length, held.length);

  await assert.rejects(send('GetQueueUrl', { QueueName: 'nobody' }), (error) => error instanceof sdk.QueueDoesNotExist);
  await assert.rejects(send('SendMessage', { QueueUrl, MessageBody: '\u0001' }), (error) => error instanceof sdk.InvalidMessageContents);
  const missing = new lambda.CreateEventSourceMappingCommand({
    FunctionName: 'nobody', EventSourceArn: 'arn:aws:sqs:local:000000000000:from-js',
  });
  await assert.rejects(functions.send(missing), (error) => error instanceof lambda.ResourceNotFoundException);
  assert.deepEqual((await functions.send(new lambda.ListEventSourceMappingsCommand({}))).EventSourceMappings, []);
  await send('DeleteQueue', { QueueUrl });
}

main();
