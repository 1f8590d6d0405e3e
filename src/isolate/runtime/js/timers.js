// Timers as Node has them: what `setTimeout` gives is an object with `unref` and the like, which serves as a number where the web's
// functions give one.
import { core } from "ext:core/mod.js";

// They refuse to be methods of anything, so each is called by a name of its own.
const {
  clearTimeout: stopTimer,
  refTimer,
  setInterval: startInterval,
  setTimeout: startTimeout,
  unrefTimer,
} = core.loadExtScript("ext:deno_web/02_timers.js");

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
    stopTimer(this.#id);
    this.#id = this.#start();
    if (!this.#isRef) unrefTimer(this.#id);
    return this;
  }
  close() {
    this.#isActive = false;
    stopTimer(this.#id);
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
    const run = () => {
      ran();
      callback(...args);
    };
    return startTimeout(run, delay);
  });
}

export function setInterval(callback, delay = 0, ...args) {
  return new Timeout(() => startInterval(callback, delay, ...args));
}

export function setImmediate(callback, ...args) {
  return new Immediate(() => startTimeout(callback, 0, ...args));
}

const clear = (timer = 0) => (timer instanceof Timer ? void timer.close() : stopTimer(timer));

export function clearTimeout(timer) {
  clear(timer);
}

export function clearInterval(timer) {
  clear(timer);
}

export function clearImmediate(timer) {
  clear(timer);
}

// For `util.promisify(setTimeout)`.
const promises = () => core.loadExtScript("ext:plinth/node/system/timers.js").promises;
const custom = Symbol.for("nodejs.util.promisify.custom");
Object.defineProperty(setTimeout, custom, { get: () => promises().setTimeout });
Object.defineProperty(setImmediate, custom, { get: () => promises().setImmediate });
