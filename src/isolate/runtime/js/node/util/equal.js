// Deep equality, strict (`isDeepStrictEqual`, `assert.deepStrictEqual`) and loose (`assert.deepEqual`).
(function () {
const { core } = __bootstrap;

const looselySame = (left, right) => left == right || (left !== left && right !== right);
const isObject = (value) => typeof value === "object" && value !== null;

function keysOf(value) {
  const symbols = Object.getOwnPropertySymbols(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  return [...Object.keys(value), ...symbols];
}

function sameBytes(left, right) {
  if (left.byteLength !== right.byteLength) return false;
  const view = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);
  const [a, b] = [left, right].map((value) => (ArrayBuffer.isView(value) ? view(value) : new Uint8Array(value)));
  return a.every((byte, i) => byte === b[i]);
}

const KINDS = [
  "isDate", "isRegExp", "isNativeError", "isMap", "isSet", "isBoxedPrimitive", "isAnyArrayBuffer", "isDataView", "isTypedArray",
  "isPromise", "isWeakMap", "isWeakSet",
];

function deepEqual(strict) {
  // Pairs under comparison further up: meeting one again means both go in the same circle.
  const lefts = [];
  const rights = [];

  function equal(left, right) {
    if (left === right) return left !== 0 || !strict || Object.is(left, right);
    if (!isObject(left) || !isObject(right)) {
      if (strict) return Object.is(left, right);
      return !isObject(left) && !isObject(right) && typeof left !== "function" && looselySame(left, right);
    }
    if (strict && Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
    if (Object.prototype.toString.call(left) !== Object.prototype.toString.call(right)) return false;
    if (Array.isArray(left) !== Array.isArray(right)) return false;
    if (KINDS.some((kind) => core[kind](left) !== core[kind](right))) return false;
    for (let i = lefts.length - 1; i >= 0; i--) {
      if (lefts[i] === left || rights[i] === right) return lefts[i] === left && rights[i] === right;
    }
    lefts.push(left);
    rights.push(right);
    const same = sameSlots(left, right) && sameProperties(left, right);
    lefts.pop();
    rights.pop();
    return same;
  }

  function sameSlots(left, right) {
    if (core.isDate(left)) return Object.is(Date.prototype.getTime.call(left), Date.prototype.getTime.call(right));
    if (core.isRegExp(left)) return `${left}` === `${right}` && left.lastIndex === right.lastIndex;
    if (core.isNativeError(left)) {
      return ["message", "name"].every((key) => left[key] === right[key]) && ["cause", "errors"].every((key) => equal(left[key], right[key]));
    }
    if (core.isBoxedPrimitive(left)) return Object.is(left.valueOf(), right.valueOf());
    if (core.isAnyArrayBuffer(left) || core.isDataView(left)) return sameBytes(left, right);
    if (core.isTypedArray(left)) {
      const same = strict ? Object.is : (each, other) => each == other;
      return left.length === right.length && Array.prototype.every.call(left, (each, i) => same(each, right[i]));
    }
    if (core.isMap(left)) return sameMap(left, right);
    if (core.isSet(left)) return sameSet(left, right);
    if (core.isWeakMap(left) || core.isWeakSet(left) || core.isPromise(left)) return false;
    return true;
  }

  function sameProperties(left, right) {
    if (Array.isArray(left) && left.length !== right.length) return false;
    if (core.isTypedArray(left)) return true;
    const keys = keysOf(left);
    if (keys.length !== keysOf(right).length) return false;
    return keys.every((key) => Object.prototype.propertyIsEnumerable.call(right, key)) &&
      keys.every((key) => equal(left[key], right[key]));
  }

  // Each of the left must find a partner of its own on the right.
  function matchAll(left, right, same) {
    const free = [...right];
    return left.every((item) => {
      const at = free.findIndex((other) => same(item, other));
      if (at < 0) return false;
      free.splice(at, 1);
      return true;
    });
  }

  function sameSet(left, right) {
    if (left.size !== right.size) return false;
    const open = [...left].filter((item) => !right.has(item));
    if (open.length === 0) return true;
    if (strict && open.some((item) => !isObject(item))) return false;
    return matchAll(open, [...right].filter((item) => !left.has(item)), equal);
  }

  function sameMap(left, right) {
    if (left.size !== right.size) return false;
    const open = [];
    for (const [key, value] of left) {
      if (right.has(key)) {
        if (!equal(value, right.get(key))) return false;
      } else if (strict && !isObject(key)) {
        return false;
      } else {
        open.push([key, value]);
      }
    }
    const others = [...right].filter(([key]) => !left.has(key));
    return matchAll(open, others, ([key, value], [otherKey, otherValue]) => equal(key, otherKey) && equal(value, otherValue));
  }

  return equal;
}

return {
  isDeepEqual: (left, right) => deepEqual(false)(left, right),
  isDeepStrictEqual: (left, right) => deepEqual(true)(left, right),
};
})();
