// The second argument of a Lambda-style handler.
import { primordials } from "ext:core/mod.js";
import { surroundings } from "ext:plinth/process.js";

const { DateNow, MathMax } = primordials;

/**
 * @param {{requestId: string, deadline: number, memory: number, arn: string}} call
 * @param {(error: unknown, result: unknown) => void} settle takes the first outcome
 */
export function makeContext(call, settle) {
  const name = surroundings.function;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: surroundings.version,
    invokedFunctionArn: call.arn,
    memoryLimitInMB: `${call.memory}`,
    awsRequestId: call.requestId,
    logGroupName: `/plinth/functions/${name}`,
    logStreamName: surroundings.version,
    identity: undefined,
    clientContext: undefined,
    getRemainingTimeInMillis: () => MathMax(0, call.deadline - DateNow()),
    done: (error, result) => settle(error, result),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? "handled", undefined),
  };
  return context;
}
