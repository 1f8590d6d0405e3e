// What a readable shares with arrays: `map`, `filter`, `toArray` and so on, each value when it comes.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { aborted, checkFunction, checkInteger, checkObject, checkSignal, make, outOfRange } = load("ext:plinth/node/errors.js");
const { Readable } = load("ext:plinth/node/stream/pipe.js");

function signalOf(options) {
  if (options !== undefined && options !== null) checkObject(options, "options");
  checkSignal(options?.signal, "options.signal");
  return options?.signal;
}

const check = (signal) => {
  if (signal?.aborted) throw aborted(signal.reason);
};

/** So many at a time are under way; they come out in their order. */
async function* map(stream, fn, options) {
  const signal = signalOf(options);
  const most = options?.concurrency ?? 1;
  checkInteger(most, "options.concurrency", 1);
  const pending = [];
  for await (const chunk of stream) {
    check(signal);
    const value = Promise.resolve(fn(chunk, { signal }));
    value.catch(() => {});
    pending.push(value);
    if (pending.length >= most) yield await pending.shift();
  }
  while (pending.length > 0) yield await pending.shift();
}

async function* filter(stream, fn, options) {
  const keep = async (chunk, context) => ({ chunk, kept: await fn(chunk, context) });
  for await (const { chunk, kept } of map(stream, keep, options)) if (kept) yield chunk;
}

async function* flatMap(stream, fn, options) {
  for await (const inner of map(stream, fn, options)) yield* inner;
}

async function* drop(stream, count, options) {
  const signal = signalOf(options);
  for await (const chunk of stream) {
    check(signal);
    if (count-- <= 0) yield chunk;
  }
}

async function* take(stream, count, options) {
  const signal = signalOf(options);
  if (count <= 0) return;
  for await (const chunk of stream) {
    check(signal);
    yield chunk;
    if (--count <= 0) return;
  }
}

function toCount(value) {
  const count = Number(value);
  if (!(count >= 0)) throw outOfRange("number", ">= 0", value);
  return count;
}

const streaming = {
  drop: (stream, count, options) => drop(stream, toCount(count), options),
  filter: (stream, fn, options) => (checkFunction(fn, "fn"), filter(stream, fn, options)),
  flatMap: (stream, fn, options) => (checkFunction(fn, "fn"), flatMap(stream, fn, options)),
  map: (stream, fn, options) => (checkFunction(fn, "fn"), map(stream, fn, options)),
  take: (stream, count, options) => take(stream, toCount(count), options),
};

const NONE = Symbol("no value yet");

const ending = {
  async every(stream, fn, options) {
    checkFunction(fn, "fn");
    return !(await ending.some(stream, async (...args) => !(await fn(...args)), options));
  },
  async find(stream, fn, options) {
    checkFunction(fn, "fn");
    for await (const chunk of filter(stream, fn, options)) return chunk;
  },
  async forEach(stream, fn, options) {
    checkFunction(fn, "fn");
    for await (const _ of map(stream, fn, options));
  },
  async reduce(stream, fn, initial = NONE, options = undefined) {
    checkFunction(fn, "reducer");
    const signal = signalOf(options);
    let value = initial;
    for await (const chunk of stream) {
      check(signal);
      value = value === NONE ? chunk : await fn(value, chunk, { signal });
    }
    if (value === NONE) throw make(TypeError, "ERR_MISSING_ARGS", "Reduce of an empty stream requires an initial value");
    return value;
  },
  async some(stream, fn, options) {
    checkFunction(fn, "fn");
    for await (const _ of filter(stream, fn, options)) return true;
    return false;
  },
  async toArray(stream, options) {
    const signal = signalOf(options);
    const all = [];
    for await (const chunk of stream) {
      check(signal);
      all.push(chunk);
    }
    return all;
  },
};

const define = (name, value) => Object.defineProperty(Readable.prototype, name, { value, writable: true, configurable: true });
for (const [name, operator] of Object.entries(streaming)) {
  define(name, { [name](...args) {
    return Readable.from(operator(this, ...args), { objectMode: true });
  } }[name]);
}
for (const [name, operator] of Object.entries(ending)) {
  define(name, { [name](...args) {
    return operator(this, ...args);
  } }[name]);
}

return { Readable };
})();
