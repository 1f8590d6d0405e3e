// How streams end: `destroy`, the events that follow, and errors that nobody can be handed otherwise.
(function () {
const { core, internals } = __bootstrap;
const { aborted, make } = core.loadExtScript("ext:plinth/node/errors.js");

const nextTick = (...args) => internals.plinth.process.nextTick(...args);
// Between the two halves of a stream: it was constructed while being destroyed; it may begin.
const CONSTRUCTED = Symbol("constructed");
const READY = Symbol("ready");

const halves = (stream) => [stream._readableState, stream._writableState].filter(Boolean);

function emitClose(stream) {
  let wanted = false;
  for (const state of halves(stream)) {
    state.closeEmitted = true;
    wanted ||= state.emitClose;
  }
  if (wanted) stream.emit("close");
}

function emitError(stream, error) {
  if (halves(stream).some((state) => state.errorEmitted)) return;
  for (const state of halves(stream)) state.errorEmitted = true;
  stream.emit("error", error);
}

function mark(stream, error) {
  if (!error) return;
  // Its stack is made now, while it is known who made it.
  error.stack;
  for (const state of halves(stream)) state.errored ??= error;
}

function runDestroy(stream, error, callback) {
  let called = false;
  const done = (failure) => {
    if (called) return;
    called = true;
    mark(stream, failure);
    for (const state of halves(stream)) state.closed = true;
    callback?.(failure);
    nextTick(() => {
      if (failure) emitError(stream, failure);
      emitClose(stream);
    });
  };
  try {
    stream._destroy(error ?? null, done);
  } catch (failure) {
    done(failure);
  }
}

/** Frees what the stream holds; `error` and `close` are emitted later. */
function destroy(error, callback) {
  const states = halves(this);
  if (states.some((state) => state.destroyed)) {
    if (typeof callback === "function") callback();
    return this;
  }
  mark(this, error);
  for (const state of states) state.destroyed = true;
  if (states.every((state) => state.constructed)) runDestroy(this, error, callback);
  else this.once(CONSTRUCTED, (failure) => runDestroy(this, failure ?? error, callback));
  return this;
}

/** Runs `_construct`, when there is one, before anything is read or written. */
function construct(stream, ready) {
  if (typeof stream._construct !== "function") return;
  for (const state of halves(stream)) state.constructed = false;
  if (stream.listenerCount(READY) > 0) return void stream.on(READY, ready);
  stream.on(READY, ready);
  nextTick(() => {
    let called = false;
    const done = (error) => {
      if (called) return errorOrDestroy(stream, error ?? make(Error, "ERR_MULTIPLE_CALLBACK", "Callback called multiple times"));
      called = true;
      for (const state of halves(stream)) state.constructed = true;
      if (halves(stream).some((state) => state.destroyed)) stream.emit(CONSTRUCTED, error);
      else if (error) errorOrDestroy(stream, error);
      else stream.emit(READY);
      stream.removeAllListeners(READY);
    };
    try {
      stream._construct((error) => nextTick(done, error));
    } catch (error) {
      nextTick(done, error);
    }
  });
}

/** A failure: the stream is destroyed, or, when that is not automatic, told by an event. */
function errorOrDestroy(stream, error) {
  const states = halves(stream);
  if (states.some((state) => state.destroyed)) return;
  if (states.some((state) => state.autoDestroy)) return void stream.destroy(error);
  mark(stream, error);
  nextTick(emitError, stream, error);
}

/** Destroys any stream, also those of others that only know `abort` or `close`. */
function destroyer(stream, error) {
  if (!stream || stream.destroyed) return;
  if (typeof stream.destroy === "function") stream.destroy(error ?? undefined);
  else if (typeof stream.abort === "function") stream.abort();
  else if (typeof stream.close === "function") stream.close();
}

function addAbortSignal(signal, stream) {
  const abort = () => stream.destroy(aborted(signal.reason));
  if (signal.aborted) abort();
  else {
    signal.addEventListener("abort", abort, { once: true });
    stream.once("close", () => signal.removeEventListener("abort", abort));
  }
  return stream;
}

return { addAbortSignal, construct, destroy, destroyer, errorOrDestroy, nextTick };
})();
