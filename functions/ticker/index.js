// Streams as a Lambda handler does: a line for each step, sent as it is written.

/* global awslambda */
exports.handler = awslambda.streamifyResponse(async (event, responseStream) => {
  const steps = Math.min(Number(event.queryStringParameters?.steps ?? 3) || 3, 100);
  const stream = awslambda.HttpResponseStream.from(responseStream, { statusCode: 200, headers: { 'content-type': 'text/plain' } });
  for (let step = 1; step <= steps; step++) {
    stream.write(`step ${step} of ${steps}\n`);
    await new Promise((done) => setTimeout(done, 20));
  }
  stream.end();
});
