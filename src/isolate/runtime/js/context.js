// The second argument of a Lambda-style handler.
import { primordials } from "ext:core/mod.js";
import { surroundings } from "ext:plinth/process.js";

const { DateNow, JSONParse, MathMax } = primordials;

/**
 * @param {{requestId: string, deadline: number, memory: number, arn: string, clientContext?: string}} call
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
    logGroupName: surroundings.logGroup,
    logStreamName: surroundings.logStream,
    identity: undefined,
    clientContext: call.clientContext === undefined ? undefined : JSONParse(call.clientContext),
    tenantId: undefined,
    getRemainingTimeInMillis: () => MathMax(0, call.deadline - DateNow()),
    done: (error, result) => settle(error, result),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? "handled", undefined),
  };
  return context;
}
