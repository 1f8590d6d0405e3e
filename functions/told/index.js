// Is told how the asynchronous calls of another function ended. A CommonJS file with Lambda's callback.
//
//   aws lambda put-function-event-invoke-config --function-name hello --destination-config \
//     '{"OnFailure": {"Destination": "arn:aws:lambda:local:000000000000:function:told"}}'

exports.handler = (record, context, callback) => {
  const { requestContext, responsePayload } = record;
  const name = requestContext.functionArn.split(':')[6];
  if (requestContext.condition === 'Success') {
    console.log(`${name} ${requestContext.requestId} gave ${JSON.stringify(responsePayload)}`);
  } else {
    const why = responsePayload?.errorMessage ?? requestContext.condition;
    console.error(`${name} ${requestContext.requestId} failed ${requestContext.approximateInvokeCount} times: ${why}`);
  }
  callback(null, { noted: requestContext.requestId });
};
