// Streams with both sides: Duplex, and Transform, whose output is made of its input.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { make } = load("ext:plinth/node/errors.js");
const { Stream } = load("ext:plinth/node/stream/legacy.js");
const { Readable } = load("ext:plinth/node/stream/readable.js");
const { Writable, accessors, begin } = load("ext:plinth/node/stream/writable.js");
const { addAbortSignal, construct } = load("ext:plinth/node/stream/destroy.js");

function Duplex(options) {
  if (!(this instanceof Duplex)) return new Duplex(options);
  Readable.call(this, options);
  Writable.call(this, options);
  this.allowHalfOpen = options?.allowHalfOpen !== false;
  if (options?.readable === false) {
    Object.assign(this._readableState, { readable: false, ended: true, endEmitted: true });
  }
  if (options?.writable === false) {
    Object.assign(this._writableState, { writable: false, ending: true, ended: true, finished: true });
  }
  if (options?.signal) addAbortSignal(options.signal, this);
  construct(this, () => {
    begin(this);
    if (this._readableState.needReadable) this.read(0);
  });
}
Object.setPrototypeOf(Duplex.prototype, Readable.prototype);
Object.setPrototypeOf(Duplex, Readable);
Object.defineProperty(Duplex.prototype, "_isDuplex", { value: true });

for (const name of Object.keys(Writable.prototype)) {
  if (!(name in Duplex.prototype)) Duplex.prototype[name] = Writable.prototype[name];
}
Object.defineProperty(Duplex.prototype, "destroy", { value: Writable.prototype.destroy, writable: true, configurable: true, enumerable: true });
Object.defineProperties(Duplex.prototype, {
  ...accessors,
  destroyed: {
    configurable: true,
    get() {
      return Boolean(this._readableState?.destroyed && this._writableState?.destroyed);
    },
    set(value) {
      if (this._readableState && this._writableState) this._readableState.destroyed = this._writableState.destroyed = value;
    },
  },
});

const CALLBACK = Symbol("the callback of a write that waits for the output to be read");

function Transform(options) {
  if (!(this instanceof Transform)) return new Transform(options);
  Duplex.call(this, options);
  this._readableState.sync = false;
  this[CALLBACK] = null;
  if (typeof options?.transform === "function") this._transform = options.transform;
  if (typeof options?.flush === "function") this._flush = options.flush;
  this.on("prefinish", () => this._final !== Transform.prototype._final && flush(this));
}
Object.setPrototypeOf(Transform.prototype, Duplex.prototype);
Object.setPrototypeOf(Transform, Duplex);

function flush(stream, callback) {
  const done = (error, data) => {
    if (error) return callback ? callback(error) : void stream.destroy(error);
    if (data !== undefined && data !== null) stream.push(data);
    stream.push(null);
    callback?.();
  };
  if (stream.destroyed) return callback?.();
  if (typeof stream._flush === "function") stream._flush(done);
  else done();
}

Object.assign(Transform.prototype, {
  _final(callback) {
    flush(this, callback);
  },
  _transform() {
    throw make(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _transform() method is not implemented");
  },
  _write(chunk, encoding, callback) {
    const { length } = this._readableState;
    this._transform(chunk, encoding, (error, data) => {
      if (error) return callback(error);
      if (data !== undefined && data !== null) this.push(data);
      const state = this._readableState;
      if (this._writableState.ended || length === state.length || state.length < state.highWaterMark) callback();
      else this[CALLBACK] = callback;
    });
  },
  _read() {
    const callback = this[CALLBACK];
    this[CALLBACK] = null;
    callback?.();
  },
});

function PassThrough(options) {
  if (!(this instanceof PassThrough)) return new PassThrough(options);
  Transform.call(this, options);
}
Object.setPrototypeOf(PassThrough.prototype, Transform.prototype);
Object.setPrototypeOf(PassThrough, Transform);
PassThrough.prototype._transform = (chunk, _encoding, callback) => callback(null, chunk);

return { Duplex, PassThrough, Stream, Transform };
})();
