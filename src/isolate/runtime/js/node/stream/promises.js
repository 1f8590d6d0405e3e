// node:stream/promises.
(function () {
const { core } = __bootstrap;
const { eos, isReadable, isWritable, pipelineOf } = core.loadExtScript("ext:plinth/node/stream/finished.js");

function finished(stream, options) {
  return new Promise((resolve, reject) => {
    const stop = eos(stream, options ?? {}, (error) => {
      if (options?.cleanup) stop();
      if (error) reject(error);
      else resolve();
    });
  });
}

function pipeline(...streams) {
  const last = streams.at(-1);
  const isStream = isReadable(last) || isWritable(last) || last instanceof WritableStream || Symbol.asyncIterator in Object(last);
  const options = last !== null && typeof last === "object" && !isStream ? streams.pop() : {};
  return new Promise((resolve, reject) => {
    pipelineOf(streams, options, (error, value) => (error ? reject(error) : resolve(value)));
  });
}

return { finished, pipeline };
})();
