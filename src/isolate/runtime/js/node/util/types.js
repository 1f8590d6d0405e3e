// node:util/types: what a value is by its inner slots, which no prototype can feign.
(function () {
const { core } = __bootstrap;

const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
const types = {
  isExternal: () => false,
  isCryptoKey: (value) => value instanceof CryptoKey,
  isKeyObject: (value) => value instanceof core.loadExtScript("ext:plinth/node/crypto/keys.js").KeyObject,
  isArrayBufferView: ArrayBuffer.isView,
};

const NAMES = [
  "AnyArrayBuffer", "ArgumentsObject", "ArrayBuffer", "AsyncFunction", "BigIntObject", "BooleanObject", "BoxedPrimitive", "DataView",
  "Date", "GeneratorFunction", "GeneratorObject", "Map", "MapIterator", "ModuleNamespaceObject", "NativeError", "NumberObject",
  "Promise", "Proxy", "RegExp", "Set", "SetIterator", "SharedArrayBuffer", "StringObject", "SymbolObject", "TypedArray", "WeakMap",
  "WeakSet",
];
for (const name of NAMES) types[`is${name}`] = (value) => core[`is${name}`](value);

const ARRAYS = [
  "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array", "Float16Array",
  "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
];
for (const name of ARRAYS) types[`is${name}`] = (value) => tag.call(value) === name;

return types;
})();
