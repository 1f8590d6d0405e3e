// node:async_hooks: stores that follow the asynchronous flow. Hooks into every resource are accepted and never called.
(function () {
const { core } = __bootstrap;
const { checkFunction, checkString } = core.loadExtScript("ext:plinth/node/errors.js");
const { AsyncVariable, getAsyncContext, setAsyncContext } = core;

// Runs within another context, and comes back whatever happens.
function within(context, fn, thisArg, args) {
  const before = getAsyncContext();
  setAsyncContext(context);
  try {
    return Reflect.apply(fn, thisArg, args);
  } finally {
    setAsyncContext(before);
  }
}

let lastId = 1;

class AsyncResource {
  #context = getAsyncContext();
  #id = ++lastId;
  constructor(type) {
    checkString(type, "type");
  }
  runInAsyncScope(fn, thisArg, ...args) {
    return within(this.#context, fn, thisArg, args);
  }
  emitDestroy() {
    return this;
  }
  asyncId() {
    return this.#id;
  }
  triggerAsyncId() {
    return 1;
  }
  bind(fn, thisArg) {
    checkFunction(fn, "fn");
    const resource = this;
    const bound = function (...args) {
      return resource.runInAsyncScope(fn, thisArg ?? this, ...args);
    };
    return Object.defineProperty(bound, "length", { value: fn.length, configurable: true });
  }
  static bind(fn, type, thisArg) {
    return new AsyncResource(type || fn.name || "bound-anonymous-fn").bind(fn, thisArg);
  }
}

const NOTHING = Symbol("no store");

class AsyncLocalStorage {
  #variable = new AsyncVariable();
  #default;
  #name;
  constructor({ defaultValue, name } = {}) {
    this.#default = defaultValue;
    this.#name = name ?? "";
  }
  get name() {
    return this.#name;
  }
  getStore() {
    const store = this.#variable.get();
    return store === undefined ? this.#default : store === NOTHING ? undefined : store;
  }
  enterWith(store) {
    this.#variable.enter(store === undefined ? NOTHING : store);
  }
  run(store, fn, ...args) {
    const before = getAsyncContext();
    this.enterWith(store);
    try {
      return fn(...args);
    } finally {
      setAsyncContext(before);
    }
  }
  exit(fn, ...args) {
    return this.run(undefined, fn, ...args);
  }
  disable() {
    this.enterWith(undefined);
  }
  static bind(fn) {
    return AsyncResource.bind(fn);
  }
  static snapshot() {
    return AsyncLocalStorage.bind((fn, ...args) => fn(...args));
  }
}

return {
  AsyncLocalStorage,
  AsyncResource,
  asyncWrapProviders: { __proto__: null },
  createHook: () => ({
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  }),
  executionAsyncId: () => 1,
  executionAsyncResource: () => ({}),
  triggerAsyncId: () => 0,
};
})();
