// Stream: what every stream is, and the marks that all share.
(function () {
const { core } = __bootstrap;
const EventEmitter = core.loadExtScript("ext:plinth/node/events.js");
const { invalidType } = core.loadExtScript("ext:plinth/node/errors.js");

function Stream(options) {
  EventEmitter.call(this, options);
}
Object.setPrototypeOf(Stream.prototype, EventEmitter.prototype);
Object.setPrototypeOf(Stream, EventEmitter);

// Of streams that know nothing but events; the others have their own.
Stream.prototype.pipe = function pipe(target, options) {
  const onData = (chunk) => {
    if (target.writable && target.write(chunk) === false) this.pause?.();
  };
  const onDrain = () => this.readable && this.resume?.();
  const onEnd = () => target.end();
  const onError = function (error) {
    stop();
    if (EventEmitter.listenerCount(this, "error") === 0) this.emit("error", error);
  };
  const stop = () => {
    this.removeListener("data", onData);
    target.removeListener("drain", onDrain);
    this.removeListener("end", onEnd);
    this.removeListener("error", onError);
    target.removeListener("error", onError);
  };
  this.on("data", onData);
  target.on("drain", onDrain);
  if (options?.end !== false) this.on("end", onEnd);
  for (const stream of [this, target]) stream.prependListener("error", onError);
  for (const event of ["end", "close"]) this.on(event, stop);
  target.on("close", stop);
  target.emit("pipe", this);
  return target;
};

/** How much is buffered before a stream asks to wait: bytes, and objects. */
const marks = { bytes: 65536, objects: 16 };
const defaultMark = (objectMode) => (objectMode ? marks.objects : marks.bytes);

function setDefaultHighWaterMark(objectMode, value) {
  if (!Number.isInteger(value) || value < 0) throw invalidType("value", "a non-negative integer", value);
  marks[objectMode ? "objects" : "bytes"] = value;
}

return { Stream, defaultMark, setDefaultHighWaterMark };
})();
