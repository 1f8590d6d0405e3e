// `finished`: calls back once a stream is over, however it ends; and `pipeline`, which ends all its streams together.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { aborted, checkFunction, checkSignal, invalidType, make } = load("ext:plinth/node/errors.js");
const { destroyer, nextTick } = load("ext:plinth/node/stream/destroy.js");

const premature = () => make(Error, "ERR_STREAM_PREMATURE_CLOSE", "Premature close");
const isWeb = (value) => value instanceof ReadableStream || value instanceof WritableStream;
const isReadable = (stream) =>
  typeof stream?.on === "function" && typeof stream.pipe === "function" && stream._readableState?.readable !== false &&
  Boolean(stream._readableState || !stream._writableState);
const isWritable = (stream) => typeof stream?.write === "function" && stream._writableState?.writable !== false;

/** Gives a function that stops listening. */
function eos(stream, options, callback) {
  if (typeof options === "function") [options, callback] = [{}, options];
  options ??= {};
  checkFunction(callback, "callback");
  checkSignal(options.signal, "options.signal");
  if (typeof stream?.on !== "function") {
    throw invalidType("stream", "an instance of Stream, ReadableStream, or WritableStream", stream);
  }
  const readState = stream._readableState;
  const writeState = stream._writableState;
  const readable = options.readable ?? isReadable(stream);
  const writable = options.writable ?? (isWritable(stream) && Boolean(writeState || !readState));
  let readDone = readState?.endEmitted ?? false;
  let writeDone = writeState?.finished ?? false;
  let called = false;
  const done = (error) => {
    if (called) return;
    called = true;
    stop();
    options.signal?.removeEventListener("abort", onAbort);
    if (error === undefined) callback.call(stream);
    else callback.call(stream, error);
  };
  // A stream that closes itself once all of it is over is over when it is closed.
  const halves = [readState, writeState].filter((state) => state && state.readable !== false && state.writable !== false);
  const closes = halves.length > 0 && halves.every((state) => state.autoDestroy && state.emitClose && !state.closed);
  const waitsForAll = (readable || !halves.includes(readState)) && (writable || !halves.includes(writeState));
  const proceed = () => {
    if ((!readable || readDone) && (!writable || writeDone) && !(closes && waitsForAll && !stream.closed)) done();
  };
  const onEnd = () => ((readDone = true), proceed());
  const onFinish = () => ((writeDone = true), proceed());
  const onError = (error) => done(error);
  const onClose = () => {
    const error = writeState?.errored ?? readState?.errored;
    if (error) return done(error);
    if ((readable && !readDone && !readState?.endEmitted) || (writable && !writeDone && !writeState?.finished)) return done(premature());
    done();
  };
  const onAbort = () => done(aborted(options.signal.reason));
  const listeners = { end: onEnd, finish: onFinish, error: onError, close: onClose };
  if (options.error === false) delete listeners.error;
  for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener);
  const stop = () => {
    for (const [event, listener] of Object.entries(listeners)) stream.removeListener(event, listener);
  };
  if (options.signal?.aborted) nextTick(onAbort);
  else options.signal?.addEventListener("abort", onAbort, { once: true });
  if (stream.closed || readState?.closeEmitted || writeState?.closeEmitted) nextTick(onClose);
  else if (writeState?.errorEmitted || readState?.errorEmitted) nextTick(() => done(writeState?.errored ?? readState?.errored));
  else if ((readable || writable) && (!readable || readDone) && (!writable || writeDone)) nextTick(proceed);
  return () => {
    called = true;
    stop();
    options.signal?.removeEventListener("abort", onAbort);
  };
}

function finished(stream, options, callback) {
  return eos(stream, options, callback);
}

async function toWritable(iterable, writable, end) {
  for await (const chunk of iterable) {
    if (writable.destroyed) return;
    if (!writable.write(chunk)) {
      await new Promise((resolve) => {
        const go = () => {
          writable.off("drain", go);
          writable.off("close", go);
          writable.off("error", go);
          resolve();
        };
        for (const event of ["drain", "close", "error"]) writable.on(event, go);
      });
    }
  }
  if (end) writable.end();
}

// What stands first may be a stream, an iterable or a function that gives one.
function head(first, signal) {
  const source = typeof first === "function" ? first({ signal }) : first;
  if (source instanceof ReadableStream) return load("ext:plinth/node/stream/web.js").toReadable(source);
  if (isReadable(source)) return source;
  if (source?.[Symbol.asyncIterator] ?? source?.[Symbol.iterator]) return load("ext:plinth/node/stream/pipe.js").Readable.from(source);
  throw invalidType("source", "an instance of Stream, Iterable, or AsyncIterable", source);
}

/** `pipeline(...streams, callback)`: calls back once all are over, with the first error there was. */
function pipeline(...streams) {
  const callback = streams.pop();
  checkFunction(callback, "streams[stream.length - 1]");
  return pipelineOf(streams, {}, callback);
}

function pipelineOf(streams, options, callback) {
  if (streams.length === 1 && Array.isArray(streams[0])) [streams] = streams;
  if (streams.length < 2) throw make(TypeError, "ERR_MISSING_ARGS", 'The "streams" argument must be specified');
  const stop = new AbortController();
  const members = [];
  let failure;
  let value;
  let open = 0;
  const fail = (error) => {
    if (error && (failure === undefined || failure.code === "ERR_STREAM_PREMATURE_CLOSE")) failure = error;
    stop.abort();
    for (const member of members) destroyer(member, failure);
  };
  const settle = (error) => {
    if (error) fail(error);
    if (--open === 0) nextTick(() => (failure ? callback(failure) : callback(undefined, value)));
  };
  const watch = (stream, reads, writes) => {
    open++;
    members.push(stream);
    eos(stream, { readable: reads, writable: writes }, (error) => {
      const { ended, errored } = stream._readableState ?? {};
      const harmless = error?.code === "ERR_STREAM_PREMATURE_CLOSE" && reads && !writes && ended && !errored;
      settle(harmless ? undefined : error);
    });
  };
  let current = head(streams[0], stop.signal);
  watch(current, true, false);
  options.signal?.addEventListener("abort", () => fail(aborted(options.signal.reason)), { once: true });
  if (options.signal?.aborted) fail(aborted(options.signal.reason));
  streams.slice(1).forEach((next, index) => {
    const last = index === streams.length - 2;
    if (typeof next === "function") {
      const result = next(current, { signal: stop.signal });
      if (last && typeof result?.then === "function") {
        open++;
        result.then((given) => ((value = given), settle()), settle);
        current = undefined;
      } else {
        current = head(result);
        watch(current, !last, false);
      }
      return;
    }
    const target = next instanceof WritableStream ? load("ext:plinth/node/stream/web.js").toWritable(next) : next;
    if (!isWritable(target)) throw invalidType(`streams[${index + 1}]`, "an instance of Stream", next);
    const end = !last || options.end !== false;
    if (end) watch(target, !last, true);
    if (typeof current.pipe === "function") {
      current.pipe(target, { end });
    } else {
      toWritable(current, target, end).catch(fail);
    }
    current = target;
  });
  return current ?? streams.at(-1);
}

return { eos, finished, isReadable, isWeb, isWritable, pipeline, pipelineOf };
})();
