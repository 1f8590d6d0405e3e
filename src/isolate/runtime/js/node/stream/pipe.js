// Ways out of a readable: `pipe`, and the asynchronous iterator.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { aborted, invalidType, make } = load("ext:plinth/node/errors.js");
const { Readable } = load("ext:plinth/node/stream/readable.js");
const { destroyer, errorOrDestroy, nextTick } = load("ext:plinth/node/stream/destroy.js");
const { eos } = load("ext:plinth/node/stream/finished.js");

function pipe(target, options) {
  const source = this;
  const state = source._readableState;
  state.pipes.push(target);
  const onData = (chunk) => {
    if (target.write(chunk) === false) pause();
  };
  const onEnd = () => target.end();
  const onUnpipe = (readable) => readable === source && cleanup();
  const onDrain = () => {
    state.awaitDrainWriters.delete(target);
    if (state.awaitDrainWriters.size === 0 && source.listenerCount("data") > 0) source.resume();
  };
  const pause = () => {
    if (!state.pipes.includes(target)) return;
    state.awaitDrainWriters.add(target);
    source.pause();
  };
  const onError = (error) => {
    unpipe();
    target.removeListener("error", onError);
    if (target.listenerCount("error") > 0) return;
    if (target._writableState ?? target._readableState) errorOrDestroy(target, error);
    else target.emit("error", error);
  };
  const onClose = () => {
    target.removeListener("finish", onFinish);
    unpipe();
  };
  const onFinish = () => {
    target.removeListener("close", onClose);
    unpipe();
  };
  const unpipe = () => source.unpipe(target);
  const cleanup = () => {
    const listeners = { close: onClose, finish: onFinish, drain: onDrain, error: onError, unpipe: onUnpipe };
    for (const [event, listener] of Object.entries(listeners)) target.removeListener(event, listener);
    source.removeListener("end", onEnd);
    source.removeListener("end", unpipe);
    source.removeListener("data", onData);
    if (state.awaitDrainWriters.has(target)) onDrain();
  };
  const isOutput = target === globalThis.process?.stdout || target === globalThis.process?.stderr;
  const atEnd = options?.end !== false && !isOutput ? onEnd : unpipe;
  if (state.endEmitted) nextTick(atEnd);
  else source.once("end", atEnd);
  target.on("unpipe", onUnpipe);
  source.on("data", onData);
  target.on("drain", onDrain);
  target.prependListener("error", onError);
  target.once("close", onClose);
  target.once("finish", onFinish);
  target.emit("pipe", source);
  if (target.writableNeedDrain === true) pause();
  else if (!state.flowing) source.resume();
  return target;
}

function unpipe(target) {
  const state = this._readableState;
  const going = target === undefined ? state.pipes : state.pipes.filter((each) => each === target);
  if (going.length === 0) return this;
  state.pipes = state.pipes.filter((each) => !going.includes(each));
  if (state.pipes.length === 0) this.pause();
  for (const each of going) each.emit("unpipe", this, { hasUnpiped: false });
  return this;
}

// A stream that is left before its end is destroyed, unless told otherwise.
async function* iterate(stream, destroyOnReturn) {
  let wake = () => {};
  const onReadable = () => wake();
  stream.on("readable", onReadable);
  let outcome;
  const stop = eos(stream, { writable: false }, (error) => {
    outcome = error ?? null;
    wake();
  });
  try {
    for (;;) {
      const chunk = stream.destroyed ? null : stream.read();
      if (chunk !== null) yield chunk;
      else if (outcome) throw outcome;
      else if (outcome === null) return;
      else await new Promise((resolve) => (wake = resolve));
    }
  } catch (error) {
    outcome = error;
    throw error;
  } finally {
    if (outcome || (destroyOnReturn !== false && (outcome === undefined || stream._readableState?.autoDestroy))) {
      destroyer(stream, null);
    } else {
      stream.off("readable", onReadable);
      stop();
    }
  }
}

/** The stream that gives what an iterable gives; a text or buffer is one chunk. */
function from(iterable, options) {
  if (typeof iterable === "string" || iterable instanceof Uint8Array) {
    return new Readable({
      objectMode: true,
      ...options,
      read() {
        this.push(iterable);
        this.push(null);
      },
    });
  }
  const begin = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
  if (typeof begin !== "function") throw invalidType("iterable", "an instance of Iterable", iterable);
  const iterator = begin.call(iterable);
  const stream = new Readable({ objectMode: true, highWaterMark: 1, ...options });
  let reading = false;
  stream._read = function () {
    if (reading) return;
    reading = true;
    pump();
  };
  async function pump() {
    try {
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return void stream.push(null);
        const chunk = await value;
        if (chunk === null) {
          reading = false;
          throw make(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
        }
        if (!stream.push(chunk)) return void (reading = false);
      }
    } catch (error) {
      stream.destroy(error);
    }
  }
  stream._destroy = (error, callback) => {
    const close = async () => {
      if (error && typeof iterator.throw === "function") {
        const { done, value } = await iterator.throw(error);
        await value;
        if (done) return;
      }
      if (typeof iterator.return === "function") await (await iterator.return()).value;
    };
    close().then(() => nextTick(callback, error), (failure) => nextTick(callback, failure ?? error));
  };
  return stream;
}

/** A readable over a stream of the old kind, which only emits. */
function wrap(old) {
  let paused = false;
  old.on("data", (chunk) => {
    if (!this.push(chunk) && old.pause) {
      paused = true;
      old.pause();
    }
  });
  old.on("end", () => this.push(null));
  old.on("error", (error) => errorOrDestroy(this, error));
  old.on("close", () => this.destroy());
  this._read = () => {
    if (paused && old.resume) {
      paused = false;
      old.resume();
    }
  };
  return this;
}

Object.assign(Readable.prototype, {
  pipe,
  unpipe,
  wrap,
  iterator(options) {
    return iterate(this, options?.destroyOnReturn);
  },
});
Object.defineProperty(Readable.prototype, Symbol.asyncIterator, {
  configurable: true,
  writable: true,
  value() {
    return iterate(this, true);
  },
});
Object.defineProperty(Readable.prototype, Symbol.asyncDispose, {
  configurable: true,
  writable: true,
  value() {
    const error = this.destroyed || this.readableEnded ? null : aborted();
    if (!this.destroyed) this.destroy(error);
    return new Promise((resolve, reject) => eos(this, (failure) => (failure && failure !== error ? reject(failure) : resolve(null))));
  },
});
Readable.from = (iterable, options) => from(iterable, options);
Readable.wrap = (old, options) => new Readable({ objectMode: old.readableObjectMode ?? old.objectMode ?? true, ...options }).wrap(old);

return { Readable };
})();
