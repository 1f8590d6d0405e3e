// Writable: the sink's side of a stream. One chunk is written at a time, the others wait in a buffer.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const EventEmitter = load("ext:plinth/node/events.js");
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const { find } = load("ext:plinth/node/buffer/encodings.js");
const { invalidType, make } = load("ext:plinth/node/errors.js");
const { Stream } = load("ext:plinth/node/stream/legacy.js");
const { markOf } = load("ext:plinth/node/stream/readable.js");
const { addAbortSignal, construct, destroy, errorOrDestroy, nextTick } = load("ext:plinth/node/stream/destroy.js");

function WritableState(options, isDuplex) {
  this.objectMode = Boolean(options?.objectMode || (isDuplex && options?.writableObjectMode));
  this.highWaterMark = markOf(options, isDuplex ? "writableHighWaterMark" : "", this.objectMode);
  Object.assign(this, {
    buffered: [],
    length: 0,
    writing: false,
    corked: 0,
    sync: true,
    bufferProcessing: false,
    needDrain: false,
    ending: false,
    ended: false,
    finalCalled: false,
    prefinished: false,
    finished: false,
    constructed: true,
    pendingcb: 0,
    errorEmitted: false,
    emitClose: options?.emitClose !== false,
    autoDestroy: options?.autoDestroy !== false,
    destroyed: false,
    errored: null,
    closed: false,
    closeEmitted: false,
    decodeStrings: options?.decodeStrings !== false,
    defaultEncoding: options?.defaultEncoding ?? "utf8",
    atEnd: [],
  });
}
WritableState.prototype.getBuffer = function () {
  return this.buffered.slice();
};
Object.defineProperty(WritableState.prototype, "bufferedRequestCount", {
  get() {
    return this.buffered.length;
  },
});

function Writable(options) {
  const isDuplex = this?._isDuplex === true;
  if (!isDuplex && !(this instanceof Writable)) return new Writable(options);
  this._writableState = new WritableState(options, isDuplex);
  for (const name of ["write", "writev", "destroy", "final", "construct"]) {
    if (typeof options?.[name] === "function") this[`_${name}`] = options[name];
  }
  if (isDuplex) return;
  Stream.call(this, options);
  if (options?.signal) addAbortSignal(options.signal, this);
  construct(this, () => begin(this));
}
Object.setPrototypeOf(Writable.prototype, Stream.prototype);
Object.setPrototypeOf(Writable, Stream);
Writable.WritableState = WritableState;

// A duplex is one, too, although its prototype is that of a readable.
Object.defineProperty(Writable, Symbol.hasInstance, {
  value(object) {
    if (Function.prototype[Symbol.hasInstance].call(this, object)) return true;
    return this === Writable && object?._writableState instanceof WritableState;
  },
});

/** What waited for the stream to be constructed. */
function begin(stream) {
  const state = stream._writableState;
  if (!state.writing) clearBuffer(stream, state);
  if (state.ending) finishMaybe(stream, state);
}

const failure = (code, message) => make(Error, code, message);
const unknownEncoding = (name) => make(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
const afterDestroy = (what) => failure("ERR_STREAM_DESTROYED", `Cannot call ${what} after a stream was destroyed`);

const methods = {
  destroy(error, callback) {
    const state = this._writableState;
    if (!state.destroyed && (state.buffered.length > 0 || state.atEnd.length > 0)) nextTick(failBuffered, state);
    destroy.call(this, error, callback);
    return this;
  },
  _destroy: (error, callback) => callback(error),
  [EventEmitter.captureRejectionSymbol](error) {
    this.destroy(error);
  },
  pipe() {
    errorOrDestroy(this, failure("ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"));
  },
  _write(chunk, encoding, callback) {
    if (!this._writev) throw failure("ERR_METHOD_NOT_IMPLEMENTED", "The _write() method is not implemented");
    this._writev([{ chunk, encoding }], callback);
  },
  _writev: null,
  setDefaultEncoding(encoding) {
    if (find(encoding) === undefined) throw unknownEncoding(encoding);
    this._writableState.defaultEncoding = String(encoding).toLowerCase();
    return this;
  },
  cork() {
    this._writableState.corked++;
  },
  uncork() {
    const state = this._writableState;
    if (state.corked === 0) return;
    state.corked--;
    if (!state.writing) clearBuffer(this, state);
  },
};

// What can no longer be written is told so.
function failBuffered(state) {
  const error = state.errored ?? afterDestroy("write");
  for (const { callback, size } of state.buffered.splice(0)) {
    state.length -= size;
    callback(error);
  }
  for (const callback of state.atEnd.splice(0)) callback(state.errored ?? afterDestroy("end"));
}

function toChunk(state, chunk, encoding) {
  if (chunk === null) throw make(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
  if (state.objectMode) return [chunk, encoding];
  if (typeof chunk === "string") {
    return state.decodeStrings === false ? [chunk, encoding] : [Buffer.from(chunk, encoding), "buffer"];
  }
  if (chunk instanceof Buffer) return [chunk, "buffer"];
  if (ArrayBuffer.isView(chunk)) return [Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), "buffer"];
  throw invalidType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
}

function write(stream, given, encoding, callback) {
  const state = stream._writableState;
  if (typeof encoding === "function") [encoding, callback] = [undefined, encoding];
  encoding ||= state.defaultEncoding;
  if (encoding !== "buffer" && find(encoding) === undefined) throw unknownEncoding(encoding);
  callback = typeof callback === "function" ? callback : () => {};
  const [chunk, as] = toChunk(state, given, encoding);
  let error;
  if (state.ending) error = failure("ERR_STREAM_WRITE_AFTER_END", "write after end");
  else if (state.destroyed) error = afterDestroy("write");
  if (error !== undefined) {
    nextTick(callback, error);
    errorOrDestroy(stream, error);
    return error;
  }
  state.pendingcb++;
  const size = state.objectMode ? 1 : chunk.length;
  state.length += size;
  const hasRoom = state.length < state.highWaterMark;
  if (!hasRoom) state.needDrain = true;
  if (state.writing || state.corked || state.errored || !state.constructed) {
    state.buffered.push({ chunk, encoding: as, callback, size });
  } else {
    start(stream, state, size, callback, (done) => stream._write(chunk, as, done));
  }
  return hasRoom && !state.errored && !state.destroyed;
}

methods.write = function (chunk, encoding, callback) {
  return write(this, chunk, encoding, callback) === true;
};

// Begins one write; the next begins when it is done.
function start(stream, state, size, callback, work) {
  state.writing = true;
  state.sync = true;
  let called = false;
  const done = (error) => {
    if (called) return errorOrDestroy(stream, failure("ERR_MULTIPLE_CALLBACK", "Callback called multiple times"));
    called = true;
    state.writing = false;
    state.length -= size;
    if (error) return state.sync ? nextTick(onError, stream, state, error, callback) : onError(stream, state, error, callback);
    if (state.buffered.length > 0) clearBuffer(stream, state);
    if (state.sync) nextTick(afterWrite, stream, state, callback);
    else afterWrite(stream, state, callback);
  };
  try {
    if (state.destroyed) done(afterDestroy("write"));
    else work(done);
  } finally {
    state.sync = false;
  }
}

function onError(stream, state, error, callback) {
  state.pendingcb--;
  state.errored ??= error;
  if (stream._readableState) stream._readableState.errored ??= error;
  callback(error);
  failBuffered(state);
  errorOrDestroy(stream, error);
}

function afterWrite(stream, state, callback) {
  if (!state.ending && !stream.destroyed && state.length === 0 && state.needDrain) {
    state.needDrain = false;
    stream.emit("drain");
  }
  state.pendingcb--;
  callback();
  if (state.destroyed) failBuffered(state);
  finishMaybe(stream, state);
}

function clearBuffer(stream, state) {
  if (state.corked || state.bufferProcessing || state.destroyed || !state.constructed) return;
  state.bufferProcessing = true;
  if (state.buffered.length > 1 && stream._writev) {
    const all = state.buffered.splice(0);
    state.pendingcb -= all.length - 1;
    const size = all.reduce((sum, each) => sum + each.size, 0);
    const callback = (error) => all.forEach((each) => each.callback(error));
    start(stream, state, size, callback, (done) => stream._writev(all, done));
  } else {
    while (state.buffered.length > 0 && !state.writing) {
      const { chunk, encoding, callback, size } = state.buffered.shift();
      start(stream, state, size, callback, (done) => stream._write(chunk, encoding, done));
    }
  }
  state.bufferProcessing = false;
}

methods.end = function (chunk, encoding, callback) {
  const state = this._writableState;
  if (typeof chunk === "function") [chunk, encoding, callback] = [undefined, undefined, chunk];
  else if (typeof encoding === "function") [encoding, callback] = [undefined, encoding];
  let error;
  if (chunk !== undefined && chunk !== null) {
    const written = write(this, chunk, encoding);
    if (written instanceof Error) error = written;
  }
  if (state.corked) {
    state.corked = 1;
    this.uncork();
  }
  if (error === undefined) {
    if (!state.errored && !state.ending) {
      state.ending = true;
      finishMaybe(this, state, true);
      state.ended = true;
    } else if (state.finished) {
      error = failure("ERR_STREAM_ALREADY_FINISHED", "Cannot call end after a stream was finished");
    } else if (state.destroyed) {
      error = afterDestroy("end");
    }
  }
  if (typeof callback === "function") {
    if (error !== undefined) nextTick(callback, error);
    else if (state.finished) nextTick(callback);
    else state.atEnd.push(callback);
  }
  return this;
};

const needsFinish = (state) =>
  state.ending && !state.destroyed && state.constructed && state.length === 0 && !state.errored && state.buffered.length === 0 &&
  !state.finished && !state.writing && !state.errorEmitted && !state.closeEmitted;

function finishMaybe(stream, state, sync) {
  if (!needsFinish(state)) return;
  if (!state.prefinished && !state.finalCalled) {
    if (typeof stream._final === "function" && !state.destroyed) {
      state.finalCalled = true;
      callFinal(stream, state);
    } else {
      state.prefinished = true;
      stream.emit("prefinish");
    }
  }
  if (state.pendingcb > 0 || !state.prefinished) return;
  if (sync) {
    state.pendingcb++;
    nextTick(() => {
      state.pendingcb--;
      if (needsFinish(state)) finish(stream, state);
    });
  } else {
    finish(stream, state);
  }
}

function callFinal(stream, state) {
  state.sync = true;
  state.pendingcb++;
  let called = false;
  const done = (error) => {
    if (called) return errorOrDestroy(stream, error ?? failure("ERR_MULTIPLE_CALLBACK", "Callback called multiple times"));
    called = true;
    state.pendingcb--;
    if (error) {
      for (const callback of state.atEnd.splice(0)) callback(error);
      errorOrDestroy(stream, error);
    } else if (needsFinish(state)) {
      state.prefinished = true;
      stream.emit("prefinish");
      state.pendingcb++;
      nextTick(() => {
        state.pendingcb--;
        finish(stream, state);
      });
    }
  };
  try {
    stream._final((error) => (state.sync ? nextTick(done, error) : done(error)));
  } catch (error) {
    done(error);
  }
  state.sync = false;
}

function finish(stream, state) {
  if (state.finished) return;
  state.finished = true;
  for (const callback of state.atEnd.splice(0)) callback();
  stream.emit("finish");
  const readable = stream._readableState;
  const isRead = !readable || (readable.autoDestroy && (readable.endEmitted || readable.readable === false));
  if (state.autoDestroy && isRead) stream.destroy();
}

for (const name of Reflect.ownKeys(methods)) {
  Object.defineProperty(Writable.prototype, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
}

const getter = (get, set) => ({ configurable: true, enumerable: false, get, set });
const ofState = (field, otherwise) => getter(function () {
  return this._writableState?.[field] ?? otherwise;
});

const accessors = {
  writable: getter(
    function () {
      const state = this._writableState;
      return Boolean(state) && state.writable !== false && !state.destroyed && !state.errored && !state.ending && !state.ended;
    },
    function (value) {
      if (this._writableState) this._writableState.writable = Boolean(value);
    },
  ),
  writableAborted: getter(function () {
    const state = this._writableState;
    return state.writable !== false && (state.destroyed || Boolean(state.errored)) && !state.finished;
  }),
  writableBuffer: getter(function () {
    return this._writableState?.getBuffer();
  }),
  writableCorked: ofState("corked", 0),
  writableEnded: ofState("ending", false),
  writableFinished: ofState("finished", false),
  writableHighWaterMark: ofState("highWaterMark"),
  writableLength: ofState("length"),
  writableNeedDrain: getter(function () {
    const state = this._writableState;
    return Boolean(state) && !state.destroyed && !state.ending && state.needDrain;
  }),
  writableObjectMode: ofState("objectMode", false),
};
Object.defineProperties(Writable.prototype, {
  ...accessors,
  errored: ofState("errored", null),
  closed: ofState("closed", false),
  destroyed: getter(
    function () {
      return this._writableState?.destroyed ?? false;
    },
    function (value) {
      if (this._writableState) this._writableState.destroyed = value;
    },
  ),
});

return { Writable, accessors, begin };
})();
