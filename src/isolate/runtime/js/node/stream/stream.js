// node:stream.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const { Stream, defaultMark, setDefaultHighWaterMark } = load("ext:plinth/node/stream/legacy.js");
const { Writable } = load("ext:plinth/node/stream/writable.js");
const { Duplex, PassThrough, Transform } = load("ext:plinth/node/stream/duplex.js");
const { Readable } = load("ext:plinth/node/stream/operators.js");
const { addAbortSignal, destroyer } = load("ext:plinth/node/stream/destroy.js");
const { finished, isReadable, isWritable, pipeline } = load("ext:plinth/node/stream/finished.js");
const { checkSignal, invalidType } = load("ext:plinth/node/errors.js");

const web = load("ext:plinth/node/stream/web.js");
Readable.fromWeb = (stream, options) => web.toReadable(stream, options);
Readable.toWeb = (stream, options) => web.fromReadable(stream, options);
Writable.fromWeb = (stream, options) => web.toWritable(stream, options);
Writable.toWeb = (stream) => web.fromWritable(stream);
Duplex.fromWeb = (pair, options) => web.toDuplex(pair, options);
Duplex.toWeb = (stream) => ({ readable: web.fromReadable(stream), writable: web.fromWritable(stream) });

/** A duplex of an iterable, a pair of streams, or a promise; what only reads or only writes stays so. */
Duplex.from = function from(body) {
  if (body instanceof Duplex) return body;
  if (isReadable(body) && !isWritable(body)) return pair(body, undefined);
  if (isWritable(body) && !isReadable(body)) return pair(undefined, body);
  if (body?.readable || body?.writable) return pair(body.readable, body.writable);
  if (typeof body?.then === "function") {
    return Duplex.from((async function* () {
      const value = await body;
      if (value !== null && value !== undefined) yield value;
    })());
  }
  return pair(Readable.from(body), undefined);
};

function pair(readable, writable) {
  const duplex = new Duplex({
    readable: Boolean(readable),
    writable: Boolean(writable),
    readableObjectMode: readable?.readableObjectMode ?? true,
    writableObjectMode: writable?.writableObjectMode ?? true,
    read: () => readable.resume(),
    write(chunk, encoding, callback) {
      if (writable.write(chunk, encoding)) callback();
      else writable.once("drain", callback);
    },
    final: (callback) => void writable.end(callback),
    destroy(error, callback) {
      destroyer(readable, error);
      destroyer(writable, error);
      callback(error);
    },
  });
  if (readable) {
    readable.on("data", (chunk) => duplex.push(chunk) || readable.pause());
    readable.pause();
    finished(readable, { writable: false }, (error) => (error ? duplex.destroy(error) : duplex.push(null)));
  }
  if (writable) finished(writable, { readable: false }, (error) => error && duplex.destroy(error));
  return duplex;
}

function compose(...streams) {
  if (streams.length === 1) return Duplex.from(streams[0]);
  let composed = null;
  const tail = pipeline(...streams, (error) => error && composed.destroy(error));
  composed = pair(isReadable(tail) ? tail : undefined, isWritable(streams[0]) ? streams[0] : undefined);
  return composed;
}

Object.assign(Stream, {
  Duplex,
  PassThrough,
  Readable,
  Stream,
  Transform,
  Writable,
  _isUint8Array: (value) => value instanceof Uint8Array,
  _uint8ArrayToBuffer: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  addAbortSignal(signal, stream) {
    if (signal === undefined) throw invalidType("signal", "an instance of AbortSignal", signal);
    checkSignal(signal, "signal");
    return addAbortSignal(signal, stream);
  },
  compose,
  destroy: (stream, error) => (destroyer(stream, error), stream),
  finished,
  getDefaultHighWaterMark: defaultMark,
  isDestroyed: (stream) => stream.destroyed ?? null,
  isDisturbed: (stream) => Boolean(stream?.readableDidRead || stream?.readableAborted),
  isErrored: (stream) => Boolean(stream?.errored),
  isReadable: (stream) => stream?.readable ?? null,
  isWritable: (stream) => stream?.writable ?? null,
  pipeline,
  setDefaultHighWaterMark,
});
const custom = Symbol.for("nodejs.util.promisify.custom");
const promises = () => load("ext:plinth/node/stream/promises.js");
Object.defineProperty(Stream, "promises", { enumerable: true, configurable: true, get: promises });
for (const name of ["pipeline", "finished"]) Object.defineProperty(Stream[name], custom, { get: () => promises()[name] });

return Stream;
})();
