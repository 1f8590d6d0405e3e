// node:events.
(function () {
const { core, internals } = __bootstrap;
const load = core.loadExtScript;
const { aborted, checkFunction, checkSignal, invalidType, make, outOfRange } = load("ext:plinth/node/errors.js");

const errorMonitor = Symbol("events.errorMonitor");
const captureRejectionSymbol = Symbol.for("nodejs.rejection");
const kCapture = Symbol("kCapture");
let defaultMaxListeners = 10;

function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}
Object.assign(EventEmitter.prototype, { _events: undefined, _eventsCount: 0, _maxListeners: undefined });

EventEmitter.init = function (options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = { __proto__: null };
    this._eventsCount = 0;
  }
  this._maxListeners ??= undefined;
  this[kCapture] = options?.captureRejections ?? EventEmitter.captureRejections;
};

function checkCount(value, name) {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
  if (!(value >= 0)) throw outOfRange(name, ">= 0", value);
}

const methods = {};

methods.setMaxListeners = function setMaxListeners(count) {
  checkCount(count, "setMaxListeners");
  this._maxListeners = count;
  return this;
};

methods.getMaxListeners = function getMaxListeners() {
  return this._maxListeners ?? defaultMaxListeners;
};

function throwUnhandled(emitter, args) {
  const [error] = args;
  if (error instanceof Error) throw error;
  const shown = load("ext:plinth/node/util/inspect.js").inspect(error);
  const wrapped = make(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${typeof error === "string" ? `'${error}'` : shown})`);
  wrapped.context = error;
  throw wrapped;
}

// With `captureRejections`, the promise of an async listener that is rejected becomes an `error` event.
function capture(emitter, result, type, args) {
  const then = result.then;
  if (typeof then !== "function") return;
  then.call(result, undefined, (error) => {
    internals.plinth.process.nextTick(() => {
      const handler = emitter[captureRejectionSymbol];
      if (typeof handler === "function") return void handler.call(emitter, error, type, ...args);
      const before = emitter[kCapture];
      emitter[kCapture] = false;
      try {
        emitter.emit("error", error);
      } finally {
        emitter[kCapture] = before;
      }
    });
  });
}

methods.emit = function emit(type, ...args) {
  const events = this._events;
  if (type === "error") {
    if (events?.[errorMonitor] !== undefined) this.emit(errorMonitor, ...args);
    if (events?.error === undefined) throwUnhandled(this, args);
  }
  const handler = events?.[type];
  if (handler === undefined) return false;
  if (typeof handler === "function") {
    const result = Reflect.apply(handler, this, args);
    if (this[kCapture] && result !== null && typeof result === "object") capture(this, result, type, args);
    return true;
  }
  // A copy, since listeners may come and go meanwhile.
  for (const listener of handler.slice()) {
    const result = Reflect.apply(listener, this, args);
    if (this[kCapture] && result !== null && typeof result === "object") capture(this, result, type, args);
  }
  return true;
};

function warnOfLeak(emitter, type, list) {
  const most = emitter.getMaxListeners();
  if (most === 0 || list.length <= most || list.warned) return;
  list.warned = true;
  const name = emitter.constructor?.name ?? "EventEmitter";
  const message = `Possible EventEmitter memory leak detected. ${list.length} ${String(type)} listeners added to [${name}]. ` +
    `MaxListeners is ${most}. Use emitter.setMaxListeners() to increase limit`;
  const warning = new Error(message);
  warning.name = "MaxListenersExceededWarning";
  internals.plinth.process.emitWarning(warning);
}

function add(emitter, type, listener, first) {
  checkFunction(listener, "listener");
  if (emitter._events === undefined) {
    emitter._events = { __proto__: null };
    emitter._eventsCount = 0;
  } else if (emitter._events.newListener !== undefined) {
    emitter.emit("newListener", type, listener.listener ?? listener);
  }
  const events = emitter._events;
  const existing = events[type];
  if (existing === undefined) {
    events[type] = listener;
    emitter._eventsCount++;
  } else if (typeof existing === "function") {
    events[type] = first ? [listener, existing] : [existing, listener];
  } else if (first) {
    existing.unshift(listener);
  } else {
    existing.push(listener);
  }
  if (typeof events[type] !== "function") warnOfLeak(emitter, type, events[type]);
  return emitter;
}

methods.addListener = function addListener(type, listener) {
  return add(this, type, listener, false);
};
methods.on = methods.addListener;
methods.prependListener = function prependListener(type, listener) {
  return add(this, type, listener, true);
};

function onceWrapper(emitter, type, listener) {
  checkFunction(listener, "listener");
  let fired = false;
  function wrapper(...args) {
    if (fired) return;
    fired = true;
    emitter.removeListener(type, wrapper);
    return Reflect.apply(listener, emitter, args);
  }
  wrapper.listener = listener;
  return wrapper;
}

methods.once = function once(type, listener) {
  return this.on(type, onceWrapper(this, type, listener));
};
methods.prependOnceListener = function prependOnceListener(type, listener) {
  return this.prependListener(type, onceWrapper(this, type, listener));
};

function forget(emitter, type) {
  if (--emitter._eventsCount === 0) emitter._events = { __proto__: null };
  else delete emitter._events[type];
}

methods.removeListener = function removeListener(type, listener) {
  checkFunction(listener, "listener");
  const list = this._events?.[type];
  if (list === undefined) return this;
  const is = (item) => item === listener || item.listener === listener;
  if (typeof list === "function") {
    if (!is(list)) return this;
    forget(this, type);
  } else {
    const at = list.findLastIndex(is);
    if (at < 0) return this;
    const rest = list.toSpliced(at, 1);
    rest.warned = list.warned;
    this._events[type] = rest.length === 1 ? rest[0] : rest;
  }
  if (this._events.removeListener !== undefined) this.emit("removeListener", type, listener);
  return this;
};
methods.off = methods.removeListener;

methods.removeAllListeners = function removeAllListeners(type) {
  const events = this._events;
  if (events === undefined) return this;
  if (events.removeListener === undefined) {
    if (arguments.length === 0) {
      this._events = { __proto__: null };
      this._eventsCount = 0;
    } else if (events[type] !== undefined) {
      forget(this, type);
    }
    return this;
  }
  // Somebody wants to be told of each, the last first.
  const types = arguments.length === 0 ? Reflect.ownKeys(events).filter((key) => key !== "removeListener") : [type];
  for (const each of types) {
    for (const listener of this.rawListeners(each).reverse()) this.removeListener(each, listener);
  }
  if (arguments.length === 0) {
    this.removeAllListeners("removeListener");
    this._events = { __proto__: null };
    this._eventsCount = 0;
  }
  return this;
};

methods.rawListeners = function rawListeners(type) {
  const list = this._events?.[type];
  if (list === undefined) return [];
  return typeof list === "function" ? [list] : list.slice();
};

methods.listeners = function listeners(type) {
  return this.rawListeners(type).map((listener) => listener.listener ?? listener);
};

methods.listenerCount = function listenerCount(type, listener) {
  if (listener === undefined) return this.rawListeners(type).length;
  return this.rawListeners(type).filter((each) => each === listener || each.listener === listener).length;
};

methods.eventNames = function eventNames() {
  return this._eventsCount > 0 ? Reflect.ownKeys(this._events) : [];
};

Object.assign(EventEmitter.prototype, methods);

const isTarget = (value) => typeof value?.addEventListener === "function" && typeof value.on !== "function";

function listen(emitter, name, listener, flags) {
  if (isTarget(emitter)) emitter.addEventListener(name, listener, flags);
  else if (flags?.once) emitter.once(name, listener);
  else emitter.on(name, listener);
}

function unlisten(emitter, name, listener) {
  if (isTarget(emitter)) emitter.removeEventListener(name, listener);
  else emitter.removeListener(name, listener);
}

function checkEmitter(emitter) {
  if (!isTarget(emitter) && typeof emitter?.on !== "function") {
    throw invalidType("emitter", "an instance of EventEmitter", emitter);
  }
}

/** A promise of the next event; the values it was emitted with. */
async function once(emitter, name, options = {}) {
  const { signal } = options;
  checkSignal(signal, "options.signal");
  if (signal?.aborted) throw aborted(signal.reason);
  checkEmitter(emitter);
  return new Promise((resolve, reject) => {
    const stop = () => {
      unlisten(emitter, name, succeed);
      if (name !== "error" && !isTarget(emitter)) unlisten(emitter, "error", fail);
      signal?.removeEventListener("abort", abort);
    };
    const succeed = (...values) => (stop(), resolve(values));
    const fail = (error) => (stop(), reject(error));
    const abort = () => fail(aborted(signal.reason));
    listen(emitter, name, succeed, { once: true });
    if (name !== "error" && !isTarget(emitter)) listen(emitter, "error", fail, { once: true });
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** An async iterator over the events to come. */
function on(emitter, name, options = {}) {
  const { signal } = options;
  checkSignal(signal, "options.signal");
  if (signal?.aborted) throw aborted(signal.reason);
  checkEmitter(emitter);
  const events = [];
  const waiting = [];
  const closers = options.close ?? [];
  let failure;
  let finished = false;
  const take = (...values) => {
    if (waiting.length > 0) waiting.shift().resolve({ value: values, done: false });
    else events.push(values);
  };
  const fail = (error) => {
    if (waiting.length > 0) waiting.shift().reject(error);
    else failure = error;
    close();
  };
  const abort = () => fail(aborted(signal.reason));
  const close = () => {
    if (finished) return Promise.resolve({ value: undefined, done: true });
    finished = true;
    unlisten(emitter, name, take);
    if (name !== "error" && !isTarget(emitter)) unlisten(emitter, "error", fail);
    for (const closer of closers) unlisten(emitter, closer, close);
    signal?.removeEventListener("abort", abort);
    for (const promise of waiting) promise.resolve({ value: undefined, done: true });
    waiting.length = 0;
    return Promise.resolve({ value: undefined, done: true });
  };
  listen(emitter, name, take);
  if (name !== "error" && !isTarget(emitter)) listen(emitter, "error", fail);
  for (const closer of closers) listen(emitter, closer, close);
  signal?.addEventListener("abort", abort, { once: true });
  const iterator = {
    next() {
      if (events.length > 0) return Promise.resolve({ value: events.shift(), done: false });
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        return Promise.reject(error);
      }
      if (finished) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return: close,
    throw(error) {
      if (!(error instanceof Error)) throw invalidType("EventEmitter.AsyncIterator", "an instance of Error", error);
      fail(error);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

function addAbortListener(signal, listener) {
  if (signal === undefined) throw invalidType("signal", "an instance of AbortSignal", signal);
  checkSignal(signal, "signal");
  checkFunction(listener, "listener");
  if (signal.aborted) queueMicrotask(() => listener());
  else signal.addEventListener("abort", listener, { once: true });
  return {
    __proto__: null,
    [Symbol.dispose]: () => signal.removeEventListener("abort", listener),
  };
}

class EventEmitterAsyncResource extends EventEmitter {
  #resource;
  constructor(options) {
    super(options);
    const { AsyncResource } = load("ext:plinth/node/system/async_hooks.js");
    this.#resource = new AsyncResource((typeof options === "string" ? options : options?.name) ?? new.target.name);
  }
  emit(...args) {
    return this.#resource.runInAsyncScope(super.emit, this, ...args);
  }
  emitDestroy() {
    this.#resource.emitDestroy();
  }
  get asyncId() {
    return this.#resource.asyncId();
  }
  get triggerAsyncId() {
    return this.#resource.triggerAsyncId();
  }
  get asyncResource() {
    return this.#resource;
  }
}

Object.defineProperty(EventEmitter, "defaultMaxListeners", {
  enumerable: true,
  get: () => defaultMaxListeners,
  set(count) {
    checkCount(count, "defaultMaxListeners");
    defaultMaxListeners = count;
  },
});

Object.assign(EventEmitter, {
  EventEmitter,
  EventEmitterAsyncResource,
  addAbortListener,
  captureRejectionSymbol,
  captureRejections: false,
  errorMonitor,
  getEventListeners: (emitter, type) => (typeof emitter.listeners === "function" ? emitter.listeners(type) : []),
  getMaxListeners: (emitter) => emitter.getMaxListeners?.() ?? defaultMaxListeners,
  listenerCount: (emitter, type) => emitter.listenerCount(type),
  on,
  once,
  setMaxListeners(count = defaultMaxListeners, ...emitters) {
    checkCount(count, "setMaxListeners");
    if (emitters.length === 0) defaultMaxListeners = count;
    for (const emitter of emitters) emitter.setMaxListeners?.(count);
  },
  usingDomains: false,
});

return EventEmitter;
})();
