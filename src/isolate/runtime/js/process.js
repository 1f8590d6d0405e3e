// `process`, as far as functions written for Lambda use it, and the `Deno` of Supabase's edge functions.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_exit, op_plinth_log } from "ext:core/ops";

const {
  BigInt,
  MathFloor,
  MathTrunc,
  Number,
  ObjectAssign,
  ObjectDefineProperty,
  ObjectFreeze,
  String,
  TypeError,
} = primordials;

const env = {};
const surroundings = { function: "", version: "", logGroup: undefined, logStream: undefined };

/** The names and variables of the assignment; `variables` is name, value and so on */
export function surround(name, version, variables) {
  surroundings.function = name;
  surroundings.version = version;
  for (let i = 0; i < variables.length; i += 2) {
    ObjectDefineProperty(env, variables[i], {
      __proto__: null,
      value: variables[i + 1],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  defineTrace();
  surroundings.logGroup = env.AWS_LAMBDA_LOG_GROUP_NAME;
  surroundings.logStream = env.AWS_LAMBDA_LOG_STREAM_NAME;
}

let traceOfCall = () => undefined;

/** Says how the trace id of the call under way is made. */
export function traceBy(make) {
  traceOfCall = make;
}

// Made only when it is looked at: few functions do.
function defineTrace() {
  let own;
  ObjectDefineProperty(env, "_X_AMZN_TRACE_ID", {
    __proto__: null,
    get: () => own ?? traceOfCall(),
    set(value) {
      own = String(value);
    },
    enumerable: true,
    configurable: true,
  });
}

export { surroundings };

function exit(code) {
  op_plinth_exit(MathTrunc(Number(code ?? process.exitCode ?? 0)) | 0);
}

function nextTick(callback, ...args) {
  if (typeof callback !== "function") {
    throw new TypeError('The "callback" argument must be of type function');
  }
  core.queueNextTick({ callback, args, snapshot: core.getAsyncContext() });
}

function hrtime(previous) {
  const now = performance.now();
  let seconds = MathFloor(now / 1000);
  let nanoseconds = MathFloor((now % 1000) * 1e6);
  if (previous !== undefined) {
    seconds -= previous[0];
    nanoseconds -= previous[1];
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = () => BigInt(MathFloor(performance.now() * 1e6));

const stream = (level) => ({
  isTTY: false,
  write(text) {
    op_plinth_log(level, typeof text === "string" ? text : String(text));
    return true;
  },
});

const process = {
  arch: "x64",
  argv: ["plinth"],
  cwd: () => "/var/task",
  emitWarning: (warning) => op_plinth_log(2, String(warning)),
  env,
  exit,
  exitCode: undefined,
  hrtime,
  memoryUsage: () => core.memoryUsage(),
  nextTick,
  pid: 1,
  platform: "linux",
  stderr: stream(3),
  stdout: stream(1),
  uptime: () => performance.now() / 1000,
  version: "v22.12.0",
  versions: { node: "22.12.0", plinth: "0.1.0" },
};

const Deno = {
  env: ObjectFreeze({
    get: (name) => env[name],
    has: (name) => env[name] !== undefined,
    set(name, value) {
      env[name] = String(value);
    },
    delete(name) {
      delete env[name];
    },
    toObject: () => ObjectAssign({}, env),
  }),
  exit,
  serve,
};

let server;

/** The handler that `Deno.serve` was given last. */
export const served = () => server;

// `serve(handler)`, `serve(options, handler)` and `serve({ handler })`.
function serve(first, second) {
  const handler = typeof first === "function" ? first : second ?? first?.handler;
  if (typeof handler !== "function") {
    throw new TypeError("Deno.serve takes a function that answers a Request");
  }
  server = handler;
  return {
    addr: { transport: "tcp", hostname: "localhost", port: 80 },
    finished: new Promise(() => {}),
    ref() {},
    unref() {},
    shutdown: async () => {},
  };
}

/** In the worker, after deno's own `Deno` is gone. */
export function define() {
  for (const [name, value] of [["process", process], ["Deno", Deno]]) {
    ObjectDefineProperty(globalThis, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
  }
}
