// `process`, as far as a function has one, and the `Deno` of Supabase's edge functions.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_exit, op_plinth_log } from "ext:core/ops";
import { builtin } from "ext:plinth/node/modules.js";

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
    throw core.loadExtScript("ext:plinth/node/errors.js").invalidType("callback", "of type function", callback);
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

// Text goes to the log, a line a write.
const stream = (level, fd) => ({
  fd,
  isTTY: false,
  writable: true,
  write(text, encoding, callback) {
    op_plinth_log(level, typeof text === "string" ? text : core.decode(text));
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof done === "function") nextTick(done);
    return true;
  },
  end(...args) {
    if (args.length > 0 && typeof args[0] !== "function") this.write(...args);
    return this;
  },
  on: listenToNothing,
  once: listenToNothing,
  off: listenToNothing,
  removeListener: listenToNothing,
  emit: () => false,
  getColorDepth: () => 1,
  hasColors: () => false,
});

// They never fail and never have to wait.
function listenToNothing() {
  return this;
}

/** `emitWarning(warning[, type[, code]])`, and with options in the place of the type. */
function emitWarning(warning, type, code) {
  const options = typeof type === "object" && type !== null ? type : { type, code };
  const isError = core.isNativeError(warning);
  const name = isError ? warning.name : options.type ?? "Warning";
  const known = options.code === undefined ? "" : `[${options.code}] `;
  op_plinth_log(2, `${known}${name}: ${isError ? warning.message : warning}`);
}

function memoryUsage() {
  const { physicalTotal, ...usage } = core.memoryUsage();
  return { rss: usage.rss ?? physicalTotal, arrayBuffers: 0, ...usage };
}
memoryUsage.rss = () => memoryUsage().rss;

function cpuUsage(previous) {
  const user = MathFloor(performance.now() * 1000);
  return { user: user - (previous?.user ?? 0), system: 0 };
}

const process = {
  abort: () => exit(134),
  arch: "x64",
  argv: ["/var/lang/bin/node", "/var/task"],
  argv0: "node",
  availableMemory: () => MathFloor(core.memoryUsage().heapTotal),
  config: { target_defaults: {}, variables: {} },
  cpuUsage,
  cwd: () => "/var/task",
  emitWarning,
  env,
  execArgv: [],
  execPath: "/var/lang/bin/node",
  exit,
  exitCode: undefined,
  features: { inspector: false, ipv6: true, tls: false, typescript: false, uv: false },
  getBuiltinModule: (name) => builtin(`${name}`),
  hrtime,
  memoryUsage,
  nextTick,
  pid: 1,
  platform: "linux",
  ppid: 0,
  release: { name: "node", lts: "Jod" },
  stderr: stream(3, 2),
  stdout: stream(1, 1),
  title: "node",
  umask: () => 0o22,
  uptime: () => performance.now() / 1000,
  version: "v22.12.0",
  versions: { node: "22.12.0", plinth: "0.1.0" },
};
export { process };

// It emits events, too; what that takes is loaded when a listener comes.
const EMITTER = ["addListener", "emit", "eventNames", "getMaxListeners", "listenerCount", "listeners", "off", "on", "once"];
const MORE = ["prependListener", "prependOnceListener", "rawListeners", "removeAllListeners", "removeListener", "setMaxListeners"];
for (const name of [...EMITTER, ...MORE]) {
  ObjectDefineProperty(process, name, {
    __proto__: null,
    configurable: true,
    writable: true,
    enumerable: false,
    value: (...args) => {
      const { prototype } = builtin("events");
      return prototype[name].call(process, ...args);
    },
  });
}
for (const name of ["_events", "_eventsCount", "_maxListeners"]) {
  ObjectDefineProperty(process, name, { __proto__: null, configurable: true, writable: true, enumerable: false, value: undefined });
}
ObjectDefineProperty(process, Symbol.toStringTag, { __proto__: null, configurable: true, value: "process" });

/** Emits an event of the process; `false` when nobody listens. */
export function tell(type, ...args) {
  if (process._events?.[type] === undefined) return false;
  return process.emit(type, ...args);
}

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
