// `awslambda`: responses that a Lambda-style handler streams.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_answer, op_plinth_answer_http_bytes, op_plinth_stream_end } from "ext:core/ops";
import { headOf } from "ext:plinth/http.js";
import { start, write } from "ext:plinth/stream.js";

const {
  ArrayBufferIsView,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  Error,
  FunctionPrototypeCall,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  String,
  Symbol,
  SymbolFor,
  TypeError,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;

const infra = core.loadExtScript("ext:deno_web/00_infra.js");

/** Marks a handler; the name is the one that Lambda's runtime for Node and libraries made for it use. */
const STREAMING = SymbolFor("aws.lambda.runtime.handler.streaming");

/** What may be written and not yet taken before `write` says to wait, in bytes. */
const HIGH_WATER_MARK = 64 * 1024;

const ATTACH = Symbol("attach");
const HEAD = Symbol("head");

export const isStreaming = (handler) => handler[STREAMING] !== undefined;

function toBytes(chunk, encoding) {
  if (typeof chunk === "string") {
    return encoding === "base64" ? infra.forgivingBase64Decode(chunk) : core.encode(chunk);
  }
  if (!ArrayBufferIsView(chunk)) {
    throw new TypeError('The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView');
  }
  // A copy, since it may wait while its owner goes on with it.
  const view = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return TypedArrayPrototypeSlice(view);
}

/** The writable side of a response, as far as Node's streams and `pipeline` ask it. */
class ResponseStream {
  #listeners = new Map();
  #begun = false;
  #waiting = [];
  #length = 0;
  #needDrain = false;
  #ended = false;
  #finished = false;
  #destroyed = false;
  #corked = 0;
  #busy = false;
  #sink;

  [HEAD] = { statusCode: 200 };

  [ATTACH](sink) {
    this.#sink = sink;
  }

  get writable() {
    return !this.#ended && !this.#destroyed;
  }
  get writableEnded() {
    return this.#ended;
  }
  get writableFinished() {
    return this.#finished;
  }
  get writableLength() {
    return this.#length;
  }
  get writableNeedDrain() {
    return this.#needDrain;
  }
  get writableHighWaterMark() {
    return HIGH_WATER_MARK;
  }
  get writableObjectMode() {
    return false;
  }
  get writableCorked() {
    return this.#corked;
  }
  get destroyed() {
    return this.#destroyed;
  }
  get closed() {
    return this.#finished || this.#destroyed;
  }
  get errored() {
    return null;
  }
  // `stream.pipeline` and `finished` take an object that has this for one of Node's streams.
  get _writableState() {
    return {
      ended: this.#ended,
      ending: this.#ended,
      finished: this.#finished,
      destroyed: this.#destroyed,
      needDrain: this.#needDrain,
      length: this.#length,
      highWaterMark: HIGH_WATER_MARK,
      objectMode: false,
      closed: this.closed,
      closeEmitted: this.closed,
      emitClose: true,
      autoDestroy: true,
      errored: null,
      errorEmitted: false,
    };
  }

  setContentType(type) {
    const head = this[HEAD];
    head.headers = { ...head.headers, "content-type": String(type) };
  }

  setDefaultEncoding() {
    return this;
  }

  cork() {
    this.#corked++;
  }

  uncork() {
    if (this.#corked > 0) this.#corked--;
    this.#pump();
  }

  write(chunk, encoding, callback) {
    if (typeof encoding === "function") {
      callback = encoding;
      encoding = undefined;
    }
    if (this.#ended) {
      const error = new Error("write after end");
      error.code = "ERR_STREAM_WRITE_AFTER_END";
      this.#fail(error, callback);
      return false;
    }
    const bytes = toBytes(chunk, encoding);
    this.#length += bytes.length;
    ArrayPrototypePush(this.#waiting, { bytes, callback });
    this.#pump();
    this.#needDrain ||= this.#length >= HIGH_WATER_MARK;
    return !this.#needDrain;
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === "function") {
      callback = chunk;
      chunk = undefined;
    } else if (typeof encoding === "function") {
      callback = encoding;
      encoding = undefined;
    }
    if (this.#ended) return this;
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    this.#ended = true;
    this.#corked = 0;
    if (callback !== undefined) this.once("finish", callback);
    this.#pump();
    return this;
  }

  destroy(error) {
    if (this.#destroyed || this.#finished) return this;
    this.#destroyed = true;
    this.#waiting = [];
    const cause = error ?? new Error("the response stream was destroyed before its end");
    if (error) this.#tell("error", error);
    this.emit("close");
    this.#sink.fail(cause);
    return this;
  }

  async #pump() {
    if (this.#busy || this.#corked > 0) return;
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        const { bytes, callback } = this.#waiting[0];
        if (!this.#begun) {
          this.#begun = true;
          this.#sink.begin(this[HEAD]);
        }
        // Nobody reading it is no error of the handler's: what is written then is dropped.
        await this.#sink.write(bytes);
        if (this.#destroyed) return;
        ArrayPrototypeSplice(this.#waiting, 0, 1);
        this.#length -= bytes.length;
        callback?.();
        if (this.#needDrain && this.#length === 0) {
          this.#needDrain = false;
          if (!this.#ended) this.emit("drain");
        }
      }
      if (this.#ended && !this.#finished && !this.#destroyed) {
        this.#finished = true;
        this.emit("prefinish");
        this.emit("finish");
        this.emit("close");
        this.#sink.end(this[HEAD]);
      }
    } catch (error) {
      this.destroy(error);
    } finally {
      this.#busy = false;
    }
  }

  #fail(error, callback) {
    callback?.(error);
    this.#tell("error", error);
  }

  #tell(name, value) {
    if (this.listenerCount(name) > 0) this.emit(name, value);
  }

  on(name, listener) {
    const list = MapPrototypeGet(this.#listeners, name) ?? [];
    ArrayPrototypePush(list, listener);
    MapPrototypeSet(this.#listeners, name, list);
    return this;
  }

  addListener(name, listener) {
    return this.on(name, listener);
  }

  prependListener(name, listener) {
    this.on(name, listener);
    const list = MapPrototypeGet(this.#listeners, name);
    ArrayPrototypeSplice(list, 0, 0, ArrayPrototypeSplice(list, list.length - 1, 1)[0]);
    return this;
  }

  once(name, listener) {
    const wrapped = (...args) => {
      this.off(name, wrapped);
      FunctionPrototypeCall(listener, this, ...args);
    };
    wrapped.listener = listener;
    return this.on(name, wrapped);
  }

  off(name, listener) {
    const list = MapPrototypeGet(this.#listeners, name) ?? [];
    for (let i = list.length - 1; i >= 0; i--) {
      if (list[i] === listener || list[i].listener === listener) {
        ArrayPrototypeSplice(list, i, 1);
        break;
      }
    }
    return this;
  }

  removeListener(name, listener) {
    return this.off(name, listener);
  }

  removeAllListeners(name) {
    if (name === undefined) this.#listeners = new Map();
    else MapPrototypeDelete(this.#listeners, name);
    return this;
  }

  listenerCount(name) {
    return (MapPrototypeGet(this.#listeners, name) ?? []).length;
  }

  listeners(name) {
    return ArrayPrototypeSlice(MapPrototypeGet(this.#listeners, name) ?? []);
  }

  emit(name, ...args) {
    const list = this.listeners(name);
    if (list.length === 0) {
      if (name === "error") throw args[0];
      return false;
    }
    for (let i = 0; i < list.length; i++) FunctionPrototypeCall(list[i], this, ...args);
    return true;
  }

  setMaxListeners() {
    return this;
  }
}

// Where the stream's bytes go: to the client as they come, or whole when its caller takes no stream.
function makeSink(isHttp, mayStream, close, failed) {
  const chunks = [];
  let size = 0;
  let streaming = false;
  return {
    begin(head) {
      if (!mayStream) return;
      const parts = headOf(head, "application/octet-stream");
      if (parts === undefined) throw new Error("the response's head cannot be sent");
      start(parts.status, parts.headers);
      streaming = true;
    },
    write(bytes) {
      if (streaming) return write(bytes);
      ArrayPrototypePush(chunks, bytes);
      size += bytes.length;
    },
    end(head) {
      if (!close()) return;
      if (streaming) return op_plinth_stream_end();
      const all = new Uint8Array(size);
      let at = 0;
      for (let i = 0; i < chunks.length; i++) {
        TypedArrayPrototypeSet(all, chunks[i], at);
        at += chunks[i].length;
      }
      if (!isHttp) return op_plinth_answer(core.decode(all));
      const parts = headOf(head, "application/octet-stream");
      if (parts !== undefined) op_plinth_answer_http_bytes(parts.status, parts.headers, all);
    },
    fail: failed,
  };
}

/** The stream a streaming handler writes its response to; `settle` takes nothing when it is at its end, or why it never will be. */
export function makeStream(isHttp, mayStream, settle) {
  const stream = new ResponseStream();
  stream[ATTACH](makeSink(isHttp, mayStream, () => settle(undefined), (error) => settle(error)));
  return stream;
}

/** The global `awslambda`. */
export const awslambda = {
  streamifyResponse(handler) {
    if (typeof handler !== "function") throw new TypeError("streamifyResponse takes a handler");
    handler[STREAMING] = "response";
    return handler;
  },
  HttpResponseStream: class HttpResponseStream {
    static from(stream, metadata) {
      const head = stream[HEAD];
      if (head === undefined) throw new TypeError("HttpResponseStream.from takes the responseStream of a streaming handler");
      const headers = { ...head.headers, ...metadata?.headers };
      stream[HEAD] = { ...metadata, statusCode: metadata?.statusCode ?? head.statusCode, headers };
      return stream;
    }
  },
};
