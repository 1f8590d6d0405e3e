// node:timers, and node:timers/promises, which give promises.
(function () {
const { core, internals } = __bootstrap;
const { aborted, checkObject, checkSignal } = core.loadExtScript("ext:plinth/node/errors.js");
const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = internals.plinth.timers;

function wait(start, stop, value, options = {}) {
  try {
    checkObject(options, "options");
    checkSignal(options.signal, "options.signal");
  } catch (error) {
    return Promise.reject(error);
  }
  const { signal, ref = true } = options;
  if (signal?.aborted) return Promise.reject(aborted(signal.reason));
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      stop(timer);
      reject(aborted(signal.reason));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    if (!ref) timer.unref();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

const after = (delay, value, options) => wait((done) => setTimeout(done, delay), clearTimeout, value, options);

async function* every(delay, value, { signal, ref = true } = {}) {
  checkSignal(signal, "options.signal");
  if (signal?.aborted) throw aborted(signal.reason);
  let due = 0;
  let wake = () => {};
  const timer = setInterval(() => {
    due++;
    wake();
  }, delay);
  if (!ref) timer.unref();
  const onAbort = () => wake();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    while (!signal?.aborted) {
      if (due === 0) await new Promise((resolve) => (wake = resolve));
      for (; due > 0; due--) yield value;
    }
    throw aborted(signal.reason);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

const promises = {
  setTimeout: after,
  setImmediate: (value, options) => wait((done) => setImmediate(done), clearImmediate, value, options),
  setInterval: every,
  scheduler: { wait: (delay, options) => after(delay, undefined, options), yield: () => promises.setImmediate() },
};

return { clearImmediate, clearInterval, clearTimeout, promises, setImmediate, setInterval, setTimeout };
})();
