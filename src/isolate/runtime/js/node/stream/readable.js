// Readable: the source's side of a stream. What is pushed waits in a buffer until it is read, or flows to listeners of `data`.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const EventEmitter = load("ext:plinth/node/events.js");
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const { invalidType, invalidValue, make } = load("ext:plinth/node/errors.js");
const { StringDecoder } = load("ext:plinth/node/text/string_decoder.js");
const { Stream, defaultMark } = load("ext:plinth/node/stream/legacy.js");
const { addAbortSignal, construct, destroy, errorOrDestroy, nextTick } = load("ext:plinth/node/stream/destroy.js");

function markOf(options, own, objectMode) {
  const mark = options?.highWaterMark ?? options?.[own];
  if (mark === undefined || mark === null) return defaultMark(objectMode);
  if (!Number.isInteger(mark) || mark < 0) throw invalidValue("options.highWaterMark", mark);
  return mark;
}

function ReadableState(options, isDuplex) {
  this.objectMode = Boolean(options?.objectMode || (isDuplex && options?.readableObjectMode));
  this.highWaterMark = markOf(options, isDuplex ? "readableHighWaterMark" : "", this.objectMode);
  Object.assign(this, {
    buffer: [],
    length: 0,
    pipes: [],
    flowing: null,
    ended: false,
    endEmitted: false,
    reading: false,
    constructed: true,
    sync: true,
    needReadable: false,
    emittedReadable: false,
    readableListening: false,
    resumeScheduled: false,
    readingMore: false,
    errorEmitted: false,
    emitClose: options?.emitClose !== false,
    autoDestroy: options?.autoDestroy !== false,
    destroyed: false,
    errored: null,
    closed: false,
    closeEmitted: false,
    dataEmitted: false,
    defaultEncoding: options?.defaultEncoding ?? "utf8",
    awaitDrainWriters: new Set(),
    decoder: null,
    encoding: null,
  });
  if (options?.encoding) {
    this.decoder = new StringDecoder(options.encoding);
    this.encoding = this.decoder.encoding;
  }
}

function Readable(options) {
  if (!(this instanceof Readable)) return new Readable(options);
  const isDuplex = this._isDuplex === true;
  this._readableState = new ReadableState(options, isDuplex);
  if (typeof options?.read === "function") this._read = options.read;
  if (typeof options?.destroy === "function") this._destroy = options.destroy;
  if (typeof options?.construct === "function") this._construct = options.construct;
  Stream.call(this, options);
  if (options?.signal && !isDuplex) addAbortSignal(options.signal, this);
  if (!isDuplex) construct(this, () => this._readableState.needReadable && maybeReadMore(this));
}
Object.setPrototypeOf(Readable.prototype, Stream.prototype);
Object.setPrototypeOf(Readable, Stream);
Readable.ReadableState = ReadableState;

const methods = {
  destroy,
  _destroy: (error, callback) => callback(error),
  [EventEmitter.captureRejectionSymbol](error) {
    this.destroy(error);
  },
  push(chunk, encoding) {
    return add(this, chunk, encoding, false);
  },
  unshift(chunk, encoding) {
    return add(this, chunk, encoding, true);
  },
  isPaused() {
    return this._readableState.flowing === false;
  },
  setEncoding(encoding) {
    const state = this._readableState;
    state.decoder = new StringDecoder(encoding);
    state.encoding = state.decoder.encoding;
    const text = state.buffer.map((chunk) => state.decoder.write(chunk)).join("");
    state.buffer = text === "" ? [] : [text];
    state.length = text.length;
    return this;
  },
  _read() {
    throw make(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _read() method is not implemented");
  },
};

function toChunk(state, chunk, encoding) {
  if (state.objectMode) return chunk;
  if (typeof chunk === "string") {
    encoding ||= state.defaultEncoding;
    if (state.encoding === encoding) return chunk;
    const bytes = Buffer.from(chunk, encoding);
    return state.encoding ? bytes.toString(state.encoding) : bytes;
  }
  if (chunk instanceof Buffer) return chunk;
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
}

function add(stream, chunk, encoding, front) {
  const state = stream._readableState;
  if (chunk === null) {
    state.reading = false;
    onEnd(stream, state);
    return false;
  }
  try {
    if (chunk !== undefined || state.objectMode) chunk = toChunk(state, chunk, encoding);
  } catch (error) {
    errorOrDestroy(stream, error);
    return false;
  }
  const isEmpty = !state.objectMode && !(chunk?.length > 0);
  if (isEmpty) {
    if (!front) {
      state.reading = false;
      maybeReadMore(stream, state);
    }
  } else if (front) {
    if (state.endEmitted) errorOrDestroy(stream, make(Error, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT", "stream.unshift() after end event"));
    else if (state.destroyed || state.errored) return false;
    else enqueue(stream, state, chunk, true);
  } else if (state.ended) {
    errorOrDestroy(stream, make(Error, "ERR_STREAM_PUSH_AFTER_EOF", "stream.push() after EOF"));
  } else if (state.destroyed || state.errored) {
    return false;
  } else {
    state.reading = false;
    const wasText = typeof chunk === "string";
    if (state.decoder !== null && !wasText) chunk = state.decoder.write(chunk);
    if (state.objectMode || chunk.length !== 0) enqueue(stream, state, chunk, false);
    else maybeReadMore(stream, state);
  }
  return !state.ended && (state.length < state.highWaterMark || state.length === 0);
}

function enqueue(stream, state, chunk, front) {
  if (state.flowing && state.length === 0 && !state.sync && stream.listenerCount("data") > 0) {
    state.awaitDrainWriters.clear();
    state.dataEmitted = true;
    stream.emit("data", chunk);
  } else {
    state.length += state.objectMode ? 1 : chunk.length;
    if (front) state.buffer.unshift(chunk);
    else state.buffer.push(chunk);
    if (state.needReadable) emitReadable(stream);
  }
  maybeReadMore(stream, state);
}

function onEnd(stream, state) {
  if (state.ended) return;
  const rest = state.decoder?.end();
  if (rest) {
    state.buffer.push(rest);
    state.length += state.objectMode ? 1 : rest.length;
  }
  state.ended = true;
  if (state.sync) return emitReadable(stream);
  state.needReadable = false;
  state.emittedReadable = true;
  emitReadableNow(stream);
}

function emitReadable(stream) {
  const state = stream._readableState;
  state.needReadable = false;
  if (state.emittedReadable) return;
  state.emittedReadable = true;
  nextTick(emitReadableNow, stream);
}

function emitReadableNow(stream) {
  const state = stream._readableState;
  if (!state.destroyed && !state.errored && (state.length > 0 || state.ended)) {
    stream.emit("readable");
    state.emittedReadable = false;
  }
  state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
  flow(stream);
}

// Reads ahead until the buffer holds its mark.
function maybeReadMore(stream, state = stream._readableState) {
  if (state.readingMore || !state.constructed) return;
  state.readingMore = true;
  nextTick(() => {
    const wants = () => state.length < state.highWaterMark || (state.flowing && state.length === 0);
    while (!state.reading && !state.ended && wants()) {
      const { length } = state;
      stream.read(0);
      if (length === state.length) break;
    }
    state.readingMore = false;
  });
}

function howMuch(count, state) {
  if (count <= 0 || (state.length === 0 && state.ended)) return 0;
  if (state.objectMode) return 1;
  if (Number.isNaN(count)) return state.flowing && state.length > 0 ? state.buffer[0].length : state.length;
  if (count <= state.length) return count;
  return state.ended ? state.length : 0;
}

function take(state, count) {
  const { buffer } = state;
  if (state.objectMode) return buffer.shift();
  if (count >= state.length) {
    const whole = state.decoder ? buffer.join("") : buffer.length === 1 ? buffer[0] : Buffer.concat(buffer, state.length);
    state.buffer = [];
    return whole;
  }
  const parts = [];
  for (let left = count; left > 0;) {
    const chunk = buffer[0];
    if (chunk.length <= left) {
      parts.push(buffer.shift());
      left -= chunk.length;
    } else {
      parts.push(chunk.slice(0, left));
      buffer[0] = chunk.slice(left);
      left = 0;
    }
  }
  if (parts.length === 1) return parts[0];
  return state.decoder ? parts.join("") : Buffer.concat(parts, count);
}

methods.read = function read(size) {
  const asked = size === undefined ? NaN : Number.isInteger(size) ? size : parseInt(size, 10);
  const state = this._readableState;
  if (asked > state.highWaterMark && !state.objectMode) state.highWaterMark = 2 ** Math.ceil(Math.log2(Math.min(asked, 2 ** 30)));
  if (asked !== 0) state.emittedReadable = false;
  const isFull = state.highWaterMark !== 0 ? state.length >= state.highWaterMark : state.length > 0;
  if (asked === 0 && state.needReadable && (isFull || state.ended)) {
    if (state.length === 0 && state.ended) endReadable(this);
    else emitReadable(this);
    return null;
  }
  let count = howMuch(asked, state);
  if (count === 0 && state.ended) {
    if (state.length === 0) endReadable(this);
    return null;
  }
  const wants = state.needReadable || state.length === 0 || state.length - count < state.highWaterMark;
  if (wants && !state.ended && !state.reading && !state.destroyed && !state.errored && state.constructed) {
    state.reading = true;
    state.sync = true;
    if (state.length === 0) state.needReadable = true;
    try {
      this._read(state.highWaterMark);
    } catch (error) {
      errorOrDestroy(this, error);
    }
    state.sync = false;
    if (!state.reading) count = howMuch(asked, state);
  }
  const chunk = count > 0 && state.length > 0 ? take(state, count) : null;
  if (chunk === null) {
    state.needReadable = state.length <= state.highWaterMark;
    count = 0;
  } else {
    state.length -= count;
    state.awaitDrainWriters.clear();
  }
  if (state.length === 0) {
    if (!state.ended) state.needReadable = true;
    if (asked !== count && state.ended) endReadable(this);
  }
  if (chunk !== null && !state.errorEmitted && !state.closeEmitted) {
    state.dataEmitted = true;
    this.emit("data", chunk);
  }
  return chunk;
};

function endReadable(stream) {
  const state = stream._readableState;
  if (state.endEmitted) return;
  state.ended = true;
  nextTick(() => {
    if (state.errored || state.closeEmitted || state.endEmitted || state.length > 0) return;
    state.endEmitted = true;
    stream.emit("end");
    const writable = stream._writableState;
    if (stream.writable && stream.allowHalfOpen === false) {
      nextTick(() => stream.writable && !stream.writableEnded && !stream.destroyed && stream.end());
    } else if (state.autoDestroy && (!writable || (writable.autoDestroy && (writable.finished || writable.writable === false)))) {
      stream.destroy();
    }
  });
}

function flow(stream) {
  const state = stream._readableState;
  while (state.flowing && stream.read() !== null);
}

methods.resume = function resume() {
  const state = this._readableState;
  if (!state.flowing) {
    // Whoever listens to `readable` reads by himself.
    state.flowing = !state.readableListening;
    if (!state.resumeScheduled) {
      state.resumeScheduled = true;
      nextTick(() => {
        if (!state.reading) this.read(0);
        state.resumeScheduled = false;
        this.emit("resume");
        flow(this);
        if (state.flowing && !state.reading) this.read(0);
      });
    }
  }
  state.paused = false;
  return this;
};

methods.pause = function pause() {
  const state = this._readableState;
  if (state.flowing !== false) {
    state.flowing = false;
    this.emit("pause");
  }
  state.paused = true;
  return this;
};

methods.on = function on(type, listener) {
  Stream.prototype.on.call(this, type, listener);
  const state = this._readableState;
  if (type === "data") {
    state.readableListening = this.listenerCount("readable") > 0;
    if (state.flowing !== false) this.resume();
  } else if (type === "readable" && !state.endEmitted && !state.readableListening) {
    state.readableListening = state.needReadable = true;
    state.flowing = false;
    state.emittedReadable = false;
    if (state.length > 0) emitReadable(this);
    else if (!state.reading) nextTick(() => this.read(0));
  }
  return this;
};
methods.addListener = methods.on;

function updateListening(stream) {
  const state = stream._readableState;
  state.readableListening = stream.listenerCount("readable") > 0;
  if (state.resumeScheduled && !state.paused) state.flowing = true;
  else if (stream.listenerCount("data") > 0) stream.resume();
  else if (!state.readableListening) state.flowing = null;
}

methods.removeListener = function removeListener(type, listener) {
  Stream.prototype.removeListener.call(this, type, listener);
  if (type === "readable") nextTick(updateListening, this);
  return this;
};
methods.off = methods.removeListener;
methods.removeAllListeners = function removeAllListeners(...types) {
  Stream.prototype.removeAllListeners.apply(this, types);
  if (types[0] === "readable" || types.length === 0) nextTick(updateListening, this);
  return this;
};

for (const name of Reflect.ownKeys(methods)) {
  Object.defineProperty(Readable.prototype, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
}

const getter = (get, set) => ({ configurable: true, enumerable: false, get, set });
const ofState = (field, otherwise) => getter(function () {
  return this._readableState?.[field] ?? otherwise;
});

Object.defineProperties(Readable.prototype, {
  readable: getter(
    function () {
      const state = this._readableState;
      return Boolean(state) && state.readable !== false && !state.destroyed && !state.errorEmitted && !state.endEmitted;
    },
    function (value) {
      if (this._readableState) this._readableState.readable = Boolean(value);
    },
  ),
  readableAborted: getter(function () {
    const state = this._readableState;
    return state.readable !== false && (state.destroyed || Boolean(state.errored)) && !state.endEmitted;
  }),
  readableDidRead: ofState("dataEmitted", false),
  readableEncoding: ofState("encoding", null),
  readableEnded: ofState("endEmitted", false),
  readableFlowing: getter(
    function () {
      return this._readableState.flowing;
    },
    function (value) {
      this._readableState.flowing = value;
    },
  ),
  readableHighWaterMark: ofState("highWaterMark"),
  readableLength: ofState("length"),
  readableObjectMode: ofState("objectMode", false),
  readableBuffer: ofState("buffer"),
  errored: ofState("errored", null),
  closed: ofState("closed", false),
  destroyed: getter(
    function () {
      return this._readableState?.destroyed ?? false;
    },
    function (value) {
      if (this._readableState) this._readableState.destroyed = value;
    },
  ),
});

return { Readable, markOf };
})();
