// Streams of the web as streams of Node, and back.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { aborted } = load("ext:plinth/node/errors.js");
const { Readable } = load("ext:plinth/node/stream/readable.js");
const { Writable } = load("ext:plinth/node/stream/writable.js");
const { Duplex } = load("ext:plinth/node/stream/duplex.js");
const { eos } = load("ext:plinth/node/stream/finished.js");

function source(reader) {
  return {
    read() {
      reader.read().then(({ value, done }) => this.push(done ? null : value), (error) => this.destroy(error));
    },
    destroy(error, callback) {
      const ended = this._readableState.endEmitted || this._readableState.ended;
      const cancelled = ended && !error ? Promise.resolve() : reader.cancel(error);
      cancelled.then(() => callback(error), () => callback(error));
    },
  };
}

function sink(writer) {
  return {
    write(chunk, _encoding, callback) {
      writer.ready.then(() => writer.write(chunk)).then(() => callback(), callback);
    },
    final(callback) {
      writer.close().then(() => callback(), callback);
    },
    destroy(error, callback) {
      if (!error) return callback(error);
      writer.abort(error).then(() => callback(error), () => callback(error));
    },
  };
}

const toReadable = (stream, options) => new Readable({ ...options, ...source(stream.getReader()) });
const toWritable = (stream, options) => new Writable({ decodeStrings: false, ...options, ...sink(stream.getWriter()) });

function toDuplex({ readable, writable }, options) {
  const [from, to] = [source(readable.getReader()), sink(writable.getWriter())];
  const destroy = function (error, callback) {
    from.destroy.call(this, error, () => to.destroy(error, callback));
  };
  return new Duplex({ decodeStrings: false, ...options, ...from, ...to, destroy });
}

function fromReadable(stream, options) {
  const { objectMode } = stream._readableState ?? {};
  const strategy = options?.strategy ?? (objectMode ? { highWaterMark: stream.readableHighWaterMark } : { highWaterMark: 0 });
  return new ReadableStream({
    start(controller) {
      stream.pause();
      stream.on("data", (chunk) => {
        const isBytes = chunk instanceof Uint8Array;
        controller.enqueue(isBytes ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length) : chunk);
        if (controller.desiredSize <= 0) stream.pause();
      });
      eos(stream, { writable: false }, (error) => {
        stream.on("error", () => {});
        if (error?.code === "ERR_STREAM_PREMATURE_CLOSE") controller.error(aborted(error));
        else if (error) controller.error(error);
        else controller.close();
      });
      stream.pause();
    },
    pull: () => void stream.resume(),
    cancel: (reason) => void stream.destroy(reason),
  }, strategy);
}

function fromWritable(stream) {
  return new WritableStream({
    start(controller) {
      eos(stream, { readable: false }, (error) => {
        if (error) {
          stream.on("error", () => {});
          controller.error(error);
        }
      });
    },
    write(chunk) {
      if (stream.writableNeedDrain || !stream.write(chunk)) return new Promise((resolve) => stream.once("drain", resolve));
    },
    close: () => new Promise((resolve, reject) => stream.end((error) => (error ? reject(error) : resolve()))),
    abort: (reason) => void stream.destroy(reason),
  }, { highWaterMark: stream.writableHighWaterMark ?? 1, size: (chunk) => chunk?.byteLength ?? chunk?.length ?? 1 });
}

return { fromReadable, fromWritable, toDuplex, toReadable, toWritable };
})();
