// Timers as Node has them: what `setTimeout` gives is an object with `unref` and the like, which serves as a number where the web's
// functions give one. They know when they are to fire, so that a call which runs out of time can be told what it was waiting for.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_timer } from "ext:core/ops";

const { DateNow, MapPrototypeDelete, MapPrototypeForEach, MapPrototypeSet, MathMax, MathMin, SafeMap } = primordials;

// They refuse to be methods of anything, so each is called by a name of its own.
const {
  clearTimeout: stopTimer,
  refTimer,
  setInterval: startInterval,
  setTimeout: startTimeout,
  unrefTimer,
} = core.loadExtScript("ext:deno_web/02_timers.js");

let thrown;

/** Says who is told of what callbacks throw, while it is still known in which asynchronous context they ran. */
export function reportThrown(report) {
  thrown = report;
}

function call(callback, args) {
  try {
    callback(...args);
  } catch (error) {
    thrown(error);
  }
}

/** By their ids: when they fire next, and after how long again. */
const pending = new SafeMap();

// As browsers have it: what is over 31 bits fires at once. What is no number is not looked at twice, since it may be anything.
const milliseconds = (delay) => typeof delay === "number" ? MathMax(delay | 0, 1) : 1;

function stop(id) {
  stopTimer(id);
  MapPrototypeDelete(pending, typeof id === "number" ? id | 0 : id);
}

class Timer {
  #start;
  #id;
  #isRef = true;
  #isActive = true;

  /** @param start starts the timer and gives its number; it is told how the timer learns that it ran */
  constructor(start) {
    this.#start = () => start(() => (this.#isActive = false));
    this.#id = this.#start();
  }
  ref() {
    this.#isRef = true;
    refTimer(this.#id);
    return this;
  }
  unref() {
    this.#isRef = false;
    unrefTimer(this.#id);
    return this;
  }
  hasRef() {
    return this.#isRef;
  }
  refresh() {
    if (!this.#isActive) return this;
    stop(this.#id);
    this.#id = this.#start();
    if (!this.#isRef) unrefTimer(this.#id);
    return this;
  }
  close() {
    this.#isActive = false;
    stop(this.#id);
    return this;
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
  [Symbol.dispose]() {
    this.close();
  }
}

class Timeout extends Timer {}
class Immediate extends Timer {}

export function setTimeout(callback, delay = 0, ...args) {
  if (typeof callback !== "function") return new Timeout(() => startTimeout(callback, delay));
  return new Timeout((ran) => {
    let id = 0;
    const run = () => {
      ran();
      MapPrototypeDelete(pending, id);
      call(callback, args);
    };
    id = startTimeout(run, delay);
    MapPrototypeSet(pending, id, { due: DateNow() + milliseconds(delay), every: 0 });
    return id;
  });
}

export function setInterval(callback, delay = 0, ...args) {
  if (typeof callback !== "function") return new Timeout(() => startInterval(callback, delay));
  return new Timeout(() => {
    const timer = { due: DateNow() + milliseconds(delay), every: milliseconds(delay) };
    const run = () => {
      timer.due = DateNow() + timer.every;
      call(callback, args);
    };
    const id = startInterval(run, delay);
    MapPrototypeSet(pending, id, timer);
    return id;
  });
}

export function setImmediate(callback, ...args) {
  if (typeof callback !== "function") return new Immediate(() => startTimeout(callback, 0));
  return new Immediate(() => startTimeout(() => call(callback, args), 0));
}

const clear = (timer = 0) => (timer instanceof Timer ? void timer.close() : stop(timer));

export function clearTimeout(timer) {
  clear(timer);
}

export function clearInterval(timer) {
  clear(timer);
}

export function clearImmediate(timer) {
  clear(timer);
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

// For `util.promisify(setTimeout)`.
const promises = () => core.loadExtScript("ext:plinth/node/system/timers.js").promises;
const custom = Symbol.for("nodejs.util.promisify.custom");
Object.defineProperty(setTimeout, custom, { get: () => promises().setTimeout });
Object.defineProperty(setImmediate, custom, { get: () => promises().setImmediate });
