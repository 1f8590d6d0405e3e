// Bodies that are not whole: a response that goes out as its stream yields.
import { core, primordials } from "ext:core/mod.js";
import {
  op_plinth_call,
  op_plinth_stream_end,
  op_plinth_stream_flushed,
  op_plinth_stream_start,
  op_plinth_stream_unwanted,
  op_plinth_stream_write,
  op_void_async_deferred,
} from "ext:core/ops";

const {
  ArrayPrototypePush,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  SafePromiseRace,
  TypeError,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  Uint8Array,
  Uint8ArrayPrototype,
} = primordials;

/** A stream that has yielded so much is sent on before its end is known, in bytes. */
const EAGER = 64 * 1024;

const LATER = { __proto__: null };

function bytesOf(chunk) {
  if (!ObjectPrototypeIsPrototypeOf(Uint8ArrayPrototype, chunk) || TypedArrayPrototypeGetSymbolToStringTag(chunk) !== "Uint8Array") {
    throw new TypeError("the body of a Response is a stream of Uint8Array");
  }
  return chunk;
}

// What a promise settles to when that needs nothing but microtasks; LATER otherwise.
async function soon(promise) {
  return SafePromiseRace([promise, PromisePrototypeThen(op_void_async_deferred(), () => LATER)]);
}

/**
 * Sends what a reader yields. A stream that is at its end before anything has to be waited for is handed whole to `whole`; of
 * any other `start` sends the head, and its chunks follow as fast as they are taken.
 */
export async function send(reader, whole, start) {
  const chunks = [];
  let size = 0;
  let pending;
  while (size < EAGER) {
    pending = reader.read();
    const result = await soon(pending);
    if (result === LATER) break;
    pending = undefined;
    if (result.done) return whole(joined(chunks, size));
    const chunk = bytesOf(result.value);
    size += chunk.length;
    ArrayPrototypePush(chunks, chunk);
  }
  start();
  const unwanted = op_plinth_stream_unwanted(op_plinth_call());
  // That somebody still wants it is no work that is left to do.
  core.unrefOpPromise(unwanted);
  let gone = false;
  const cancelled = PromisePrototypeThen(unwanted, () => {
    gone = true;
    return reader.cancel("the client has gone away");
  });
  PromisePrototypeThen(cancelled, undefined, () => {});
  let open = await write(joined(chunks, size));
  while (open && !gone) {
    const { done, value } = await (pending ?? reader.read());
    pending = undefined;
    if (done) break;
    open = await write(bytesOf(value));
  }
  if (!open || gone) {
    try {
      await cancelled;
    } catch {
      // What its cancel() throws is nobody's business any more.
    }
  }
  op_plinth_stream_end();
}

/** Sends a body that is there, but too long for a whole answer. */
export async function sendLong(bytes, status, headers) {
  start(status, headers);
  for (let at = 0; at < bytes.length; at += EAGER) {
    if (!await write(TypedArrayPrototypeSubarray(bytes, at, at + EAGER))) break;
  }
  op_plinth_stream_end();
}

/** Begins a streamed response. */
export const start = (status, headers) => op_plinth_stream_start(status, headers);

/** Writes; `true` when it is sent and more may follow, `false` when nobody wants it. */
export async function write(bytes) {
  return op_plinth_stream_write(bytes) || await op_plinth_stream_flushed(op_plinth_call());
}

function joined(chunks, size) {
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArrayPrototypeSet(all, chunks[i], at);
    at += chunks[i].length;
  }
  return all;
}
