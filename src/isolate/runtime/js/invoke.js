// Finds the handler, calls it, and brings its outcome to Rust.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_answer, op_plinth_loaded } from "ext:core/ops";
import { isStreaming, makeStream } from "ext:plinth/awslambda.js";
import { makeContext } from "ext:plinth/context.js";
import { fail, failWith } from "ext:plinth/errors.js";
import { answerEvent, makeEvent } from "ext:plinth/http.js";
import { isSyntaxError, requireEntry } from "ext:plinth/modules.js";
import { served, traceBy } from "ext:plinth/process.js";
import * as web from "ext:plinth/web.js";

const {
  DateNow,
  FunctionPrototypeCall,
  JSONParse,
  JSONStringify,
  MathFloor,
  NumberPrototypeToString,
  PromisePrototypeThen,
  PromiseResolve,
  RegExpPrototypeTest,
  SafeRegExp,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeReplaceAll,
  StringPrototypeSlice,
  StringPrototypeSplit,
} = primordials;

/** Calls the handler with (argument, second, third); `this` is what it was found on. */
let handler;
let lambda = false;

// `file.export`, in a folder or not; what follows the first dot of the file's name is a path into its exports.
const HANDLER = new SafeRegExp(/^(?!.*\.\.)(.*\/)?[^./]+\.[^/]+$/);

/** `style` says where to look; `name` is Lambda's `file.export`; the exports of a CommonJS `file` are had by running it. */
export function load(style, name, exports, file) {
  // A rejection that nobody took care of while the module was evaluated ends it here.
  core.runNextTicks();
  try {
    if (file !== undefined) exports = requireEntry(file);
    lambda = style === "lambda";
    handler = lambda ? namedHandler(name, exports) : style === "serve" ? served() : defaultHandler(exports.default);
  } catch (error) {
    return failLoad(error);
  }
  if (lambda && name !== undefined && !RegExpPrototypeTest(HANDLER, name)) {
    return fail("Runtime.MalformedHandlerName", "Bad handler", true);
  }
  if (typeof handler === "function") return op_plinth_loaded();
  const place = lambda ? `${name ?? "index.handler"}` : style === "serve" ? "a handler given to Deno.serve" : "the default export";
  const what = handler === undefined ? "is undefined or not exported" : "is not a function";
  fail("Runtime.HandlerNotFound", `${place} ${what}`, true);
}

function failLoad(error) {
  const code = error?.code;
  if (code === "MODULE_NOT_FOUND") return fail("Runtime.ImportModuleError", error.message, true, error);
  if (isSyntaxError(error)) return fail("Runtime.UserCodeSyntaxError", `${error}`, true, error);
  failWith(error, true);
}

// `src/index.handler`: what follows the first dot of the file's name is a path into the exports.
function exportPath(name) {
  const file = StringPrototypeSlice(name, StringPrototypeLastIndexOf(name, "/") + 1);
  return StringPrototypeSlice(file, StringPrototypeIndexOf(file, ".") + 1);
}

function namedHandler(name, exports) {
  const path = name === undefined ? "handler" : exportPath(name);
  let holder = exports;
  let value = exports;
  for (const key of StringPrototypeSplit(path, ".")) {
    holder = value;
    value = value?.[key];
  }
  if (value === undefined && exports.default !== undefined && holder === exports) value = exports.default[path];
  return value;
}

function defaultHandler(value) {
  if (typeof value === "function" || value === undefined || value === null) return value ?? undefined;
  const fetch = value.fetch;
  if (typeof fetch !== "function") return fetch;
  return (request, env, context) => FunctionPrototypeCall(fetch, value, request, env, context);
}

/** The last call that began. */
let current;

/** The call whose code runs: of several side by side the one whose asynchronous context this is. */
const running = () => core.getAsyncContext()?.running ?? current;

const REHEARSED = {
  __proto__: null,
  lambda: async (event) => ({ statusCode: 200, headers: { "content-type": "text/plain" }, body: `${event.rawPath}${event.body}` }),
  web: async (request) => new Response(await request.text(), { headers: { "content-type": request.headers.get("content-type") ?? "a/b" } }),
};

/** Has the next calls go to a handler of our own; `undefined` ends that, and nothing of it is left. */
export function rehearse(style) {
  lambda = style === "lambda";
  handler = style === undefined ? undefined : REHEARSED[style];
  current = undefined;
}

// In the form of AWS's tracing, from the request's id and time; nothing is traced.
traceBy(() => {
  const call = running();
  if (call === undefined) return undefined;
  const id = StringPrototypeReplaceAll(call.requestId, "-", "");
  const time = NumberPrototypeToString(MathFloor((call.deadline - call.timeout) / 1000), 16);
  const root = `Root=1-${time}-${StringPrototypeSlice(id, 0, 24)}`;
  return `${root};Parent=${StringPrototypeSlice(id, 16)};Sampled=0`;
});

/**
 * Starts a call. Arguments after `body` are there for HTTP only; `number` is 0 unless others run beside it. Then all that it does is in
 * an asynchronous context which says whose it is, and which the stores of `AsyncLocalStorage` add to.
 */
export function invoke(
  number, requestId, timeout, memory, arn, clientContext, body, method, url, path, query, sourceIp, time, headers, claims, requestContext, mayStream,
) {
  const call = {
    number, requestId, timeout, deadline: DateNow() + timeout, memory, arn, clientContext, open: true, drained: undefined, mayStream: mayStream === true,
  };
  current = call;
  if (number !== 0) core.setAsyncContext({ __proto__: null, call: number, running: call });
  const http = method === undefined ? undefined : { method, url, path, query, sourceIp, time, headers, claims, requestContext, body };
  try {
    if (lambda) {
      callLambda(call, http === undefined ? JSONParse(body) : makeEvent(call, http), http !== undefined);
    } else {
      callWeb(call, http ?? web.eventAsHttp(body), http === undefined);
    }
  } catch (error) {
    close(call) && failWith(error, false);
  }
  // Settles what needs no waiting, so that a plain handler is answered without a turn of the event loop.
  core.runNextTicks();
  if (number !== 0) core.setAsyncContext(undefined);
}

/** The first outcome of a call counts. */
function close(call) {
  const open = call.open;
  call.open = false;
  return open;
}

function callLambda(call, event, isHttp) {
  const succeed = (result) => {
    if (!close(call)) return;
    try {
      if (isHttp) answerEvent(result);
      else op_plinth_answer(JSONStringify(result) ?? "null");
    } catch (error) {
      fail("Runtime.MarshalError", `Unable to stringify response body: ${error?.message}`, false, error);
    }
  };
  const reject = (error) => void (close(call) && failWith(error, false));
  const settle = (error, result) => {
    const outcome = () => (error === null || error === undefined ? succeed(result) : reject(error));
    if (context.callbackWaitsForEmptyEventLoop === false) outcome();
    else call.drained ??= outcome;
  };
  const context = makeContext(call, settle);
  if (isStreaming(handler)) return callStreaming(call, handler, event, context, isHttp, reject);
  const result = handler(event, context, settle);
  if (typeof result?.then === "function") {
    PromisePrototypeThen(PromiseResolve(result), succeed, reject);
  } else {
    // As Lambda has it: such a handler answers by callback, or with null once nothing is left to do.
    call.returned = () => succeed(null);
  }
}

function callWeb(call, http, isEvent) {
  const request = web.makeRequest(http);
  const context = web.makeContext(http, call.number);
  const reject = (error) => void (close(call) && failWith(error, false));
  const succeed = (response) => PromisePrototypeThen(web.answer(response, isEvent, call.mayStream), () => close(call), reject);
  const result = handler(request, processEnv(), context);
  PromisePrototypeThen(PromiseResolve(result), succeed, reject);
}

// The result of such a handler is its stream; what it returns is not looked at.
function callStreaming(call, handler, event, context, isHttp, reject) {
  const stream = makeStream(isHttp, call.mayStream, (error) => error === undefined ? close(call) : reject(error));
  const result = handler(event, stream, context);
  PromisePrototypeThen(PromiseResolve(result), undefined, reject);
}

const processEnv = () => globalThis.process?.env ?? {};

/** Whether anything is left that the event loop would wait for. */
export const hasWork = () => core.eventLoopHasMoreWork();

/** Nothing is left to do: outcomes that waited for this are told now. */
export function drained() {
  const outcome = current?.drained ?? current?.returned;
  if (outcome !== undefined && current.open) {
    outcome();
    core.runNextTicks();
  }
}
