// Timers that know when they are to fire, so that a call which runs out of time can be told what it was waiting for.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_timer } from "ext:core/ops";

const {
  DateNow,
  MapPrototypeDelete,
  MapPrototypeForEach,
  MapPrototypeSet,
  MathMax,
  MathMin,
  ReflectApply,
  SafeMap,
} = primordials;

// Apart from their object: they look at what they are called on.
const { clearTimeout: stop, setInterval: startInterval, setTimeout: start } = core.loadExtScript("ext:deno_web/02_timers.js");

/** By their ids: when they fire next, and after how long again. */
const pending = new SafeMap();

// As browsers have it: what is over 31 bits fires at once. What is no number is not looked at twice, since it may be anything.
const milliseconds = (timeout) => typeof timeout === "number" ? MathMax(timeout | 0, 1) : 1;

export function setTimeout(callback, timeout = 0, ...args) {
  let id = 0;
  const once = typeof callback !== "function" ? callback : () => {
    MapPrototypeDelete(pending, id);
    ReflectApply(callback, globalThis, args);
  };
  id = start(once, timeout);
  if (once !== callback) MapPrototypeSet(pending, id, { due: DateNow() + milliseconds(timeout), every: 0 });
  return id;
}

export function setInterval(callback, timeout = 0, ...args) {
  if (typeof callback !== "function") return startInterval(callback, timeout);
  const timer = { due: 0, every: milliseconds(timeout) };
  const again = () => {
    timer.due = DateNow() + timer.every;
    ReflectApply(callback, globalThis, args);
  };
  const id = startInterval(again, timeout);
  timer.due = DateNow() + timer.every;
  MapPrototypeSet(pending, id, timer);
  return id;
}

export function clearTimeout(id = 0) {
  stop(id);
  MapPrototypeDelete(pending, typeof id === "number" ? id | 0 : id);
}

export function clearInterval(id = 0) {
  clearTimeout(id);
}

const MOST = 1000;

/** Tells of the timers that are pending; of very many, the first that were set. */
export function tellPending() {
  const now = DateNow();
  let told = 0;
  MapPrototypeForEach(pending, (timer) => {
    if (told++ < MOST) op_plinth_timer(MathMin(MathMax(timer.due - now, 0), 2 ** 31 - 1), timer.every > 0);
  });
}
