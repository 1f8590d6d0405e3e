// The global scope of a function: the web platform's classes (WinterTC's minimum); its network is the server's.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_log } from "ext:core/ops";
import { builtin } from "ext:plinth/node/modules.js";
import * as timers from "ext:plinth/timers.js";

const { ObjectDefineProperty, ObjectDefineProperties } = primordials;

const load = (path) => core.loadExtScript(`ext:${path}.js`);
const webidl = load("deno_webidl/00_webidl");
const console = load("deno_web/01_console");
const url = load("deno_web/00_url");
const urlPattern = load("deno_web/01_urlpattern");
const domException = load("deno_web/01_dom_exception");
export const event = load("deno_web/02_event");
const abort = load("deno_web/03_abort_signal");
const base64 = load("deno_web/05_base64");
export const streams = load("deno_web/06_streams");
const encoding = load("deno_web/08_text_encoding");
const file = load("deno_web/09_file");
const fileReader = load("deno_web/10_filereader");
load("deno_web/12_location");
const messagePort = load("deno_web/13_message_port");
const compression = load("deno_web/14_compression");
const performance = load("deno_web/15_performance");
const headers = load("deno_fetch/20_headers");
const formData = load("deno_fetch/21_formdata");
export const request = load("deno_fetch/23_request");
export const response = load("deno_fetch/23_response");
export const body = load("deno_fetch/22_body");
const fetching = load("deno_fetch/26_fetch");


class Navigator {
  constructor() {
    webidl.illegalConstructor();
  }
  get userAgent() {
    return "Plinth";
  }
  get hardwareConcurrency() {
    return 1;
  }
  get language() {
    return "en-US";
  }
}

const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });
const shown = (value) => ({ __proto__: null, value, writable: true, enumerable: true, configurable: true });

const CLASSES = {
  AbortController: abort.AbortController,
  AbortSignal: abort.AbortSignal,
  Blob: file.Blob,
  ByteLengthQueuingStrategy: streams.ByteLengthQueuingStrategy,
  CloseEvent: event.CloseEvent,
  CompressionStream: compression.CompressionStream,
  CountQueuingStrategy: streams.CountQueuingStrategy,
  CustomEvent: event.CustomEvent,
  DecompressionStream: compression.DecompressionStream,
  DOMException: domException.DOMException,
  ErrorEvent: event.ErrorEvent,
  Event: event.Event,
  EventTarget: event.EventTarget,
  File: file.File,
  FileReader: fileReader.FileReader,
  FormData: formData.FormData,
  Headers: headers.Headers,
  MessageChannel: messagePort.MessageChannel,
  MessageEvent: event.MessageEvent,
  MessagePort: messagePort.MessagePort,
  Navigator,
  Performance: performance.Performance,
  PerformanceEntry: performance.PerformanceEntry,
  PerformanceMark: performance.PerformanceMark,
  PerformanceMeasure: performance.PerformanceMeasure,
  ProgressEvent: event.ProgressEvent,
  PromiseRejectionEvent: event.PromiseRejectionEvent,
  ReadableByteStreamController: streams.ReadableByteStreamController,
  ReadableStream: streams.ReadableStream,
  ReadableStreamBYOBReader: streams.ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: streams.ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: streams.ReadableStreamDefaultController,
  ReadableStreamDefaultReader: streams.ReadableStreamDefaultReader,
  Request: request.Request,
  Response: response.Response,
  TextDecoder: encoding.TextDecoder,
  TextDecoderStream: encoding.TextDecoderStream,
  TextEncoder: encoding.TextEncoder,
  TextEncoderStream: encoding.TextEncoderStream,
  TransformStream: streams.TransformStream,
  TransformStreamDefaultController: streams.TransformStreamDefaultController,
  URL: url.URL,
  URLPattern: urlPattern.URLPattern,
  URLSearchParams: url.URLSearchParams,
  WritableStream: streams.WritableStream,
  WritableStreamDefaultController: streams.WritableStreamDefaultController,
  WritableStreamDefaultWriter: streams.WritableStreamDefaultWriter,
};

const FUNCTIONS = {
  atob: base64.atob,
  btoa: base64.btoa,
  clearImmediate: timers.clearImmediate,
  clearInterval: timers.clearInterval,
  clearTimeout: timers.clearTimeout,
  fetch: fetching.fetch,
  reportError: event.reportError,
  setImmediate: timers.setImmediate,
  setInterval: timers.setInterval,
  setTimeout: timers.setTimeout,
  structuredClone: messagePort.structuredClone,
};

/** While the snapshot is made. */
export function define() {
  // Text is for a log, so it has no colours.
  console.setNoColorFns(() => true, () => true);
  const ours = new console.Console((text, level) => op_plinth_log(level, text));
  for (const name in CLASSES) {
    ObjectDefineProperty(globalThis, name, hidden(CLASSES[name]));
  }
  for (const name in FUNCTIONS) {
    ObjectDefineProperty(globalThis, name, shown(FUNCTIONS[name]));
  }
  ObjectDefineProperties(globalThis, {
    Buffer: hidden(builtin("buffer").Buffer),
    console: hidden(ours),
    global: hidden(globalThis),
    navigator: hidden({ __proto__: Navigator.prototype }),
    performance: shown(performance.performance),
    self: hidden(globalThis),
  });
}

/** In the worker, before any code of the user: what cannot be in a snapshot. */
export function complete() {
  const crypto = load("deno_crypto/00_crypto");
  ObjectDefineProperties(globalThis, {
    crypto: shown(crypto.crypto),
    Crypto: hidden(crypto.Crypto),
    CryptoKey: hidden(crypto.CryptoKey),
    SubtleCrypto: hidden(crypto.SubtleCrypto),
  });
  core.setWasmStreamingCallback(fetching.handleWasmStreaming);
  // Being a target of events takes state that belongs to this very global object.
  ObjectDefineProperty(globalThis, webidl.brand, { __proto__: null, value: webidl.brand, configurable: true });
  event.setEventTargetData(globalThis);
  event.saveGlobalThisReference(globalThis);
  Object.setPrototypeOf(Object.getPrototypeOf(globalThis) ?? globalThis, event.EventTarget.prototype);
  // The handler of errors takes the parts of the event, not the event.
  event.defineEventHandler(globalThis, "error", undefined, true);
  event.defineEventHandler(globalThis, "unhandledrejection");
  event.defineEventHandler(globalThis, "rejectionhandled");
  performance.setTimeOrigin();
  delete globalThis.Deno;
  delete globalThis.__bootstrap;
  delete globalThis.SharedArrayBuffer;
}
