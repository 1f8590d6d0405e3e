// Failures on their way out. What is thrown is the user's and may be anything: every look at it may throw, too.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_fail } from "ext:core/ops";

const { SafeRegExp, String, StringPrototypeReplace } = primordials;

function read(thrown, property) {
  try {
    const value = thrown[property];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function text(thrown) {
  try {
    return typeof thrown === "object" && thrown !== null ? JSON.stringify(thrown) ?? String(thrown) : String(thrown);
  } catch {
    return "a value that cannot be shown";
  }
}

/** @returns {{type: string, message: string, stack: string}} in the words of Lambda's runtime for Node */
export function describe(thrown) {
  if ((typeof thrown === "object" && thrown !== null) || typeof thrown === "function") {
    const stack = read(thrown, "stack");
    if (core.isNativeError(thrown) || stack !== undefined) {
      return {
        type: read(thrown, "name") || "Error",
        message: read(thrown, "message") ?? "",
        stack: stack ?? "",
      };
    }
  }
  return { type: thrown === null ? "null" : typeof thrown, message: text(thrown), stack: "" };
}

/** The call fails with what was thrown; the environment lives on unless it is fatal. */
export function failWith(thrown, fatal) {
  const { type, message, stack } = describe(thrown);
  op_plinth_fail(fatal, type, message, stack);
}

/** The call fails for a reason of the runtime's own; a cause gives its trace. */
export function fail(type, message, fatal, cause) {
  op_plinth_fail(fatal, type, message, cause === undefined ? "" : describe(cause).stack);
}

const FIRST_LINE = new SafeRegExp(/^[^\n]*/);

/** A promise was rejected and nobody listens: the environment cannot be trusted with another call. */
export function unhandledRejection(reason) {
  const { type, message, stack } = describe(reason);
  const whole = `${type}: ${message}`;
  const trace = StringPrototypeReplace(stack, FIRST_LINE, () => `Runtime.UnhandledPromiseRejection: ${whole}`);
  op_plinth_fail(true, "Runtime.UnhandledPromiseRejection", whole, trace);
}
