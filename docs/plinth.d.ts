// Types of the platform's own modules, for editors and compilers: add this file to the `include` of tsconfig.json.

declare module "plinth:kv" {
  /** What JSON can hold, or bytes. */
  export type Value = unknown;

  /** A number of seconds from now, or a moment. */
  export interface Lifetime {
    expires?: number | Date;
  }

  export interface Entry<T = Value> {
    key: string;
    value: T;
    /** Another with each write; a version never comes back. */
    version: string;
    expires: Date | undefined;
  }

  export interface ListedKey {
    key: string;
    version: string;
    expires: Date | undefined;
  }

  export interface Page {
    keys: ListedKey[];
    /** Where the next page begins; `undefined` on the last. */
    cursor: string | undefined;
  }

  export class Store {
    constructor(name: string);
    readonly name: string;
    get<T = Value>(key: string): Promise<T | undefined>;
    entry<T = Value>(key: string): Promise<Entry<T> | undefined>;
    set(key: string, value: Value, options?: Lifetime): Promise<{ version: string }>;
    /** Writes only if the entry has this version; `null`: if there is none. */
    compareAndSet(
      key: string,
      version: string | null | undefined,
      value: Value,
      options?: Lifetime,
    ): Promise<{ ok: true; version: string } | { ok: false }>;
    cas: Store["compareAndSet"];
    delete(key: string, options?: { version?: string }): Promise<boolean>;
    remove: Store["delete"];
    /** The sum; the lifetime counts for an entry that this makes. */
    increment(key: string, by?: number, options?: Lifetime): Promise<number>;
    list(options?: { prefix?: string; cursor?: string; limit?: number }): Promise<Page>;
  }

  /** Why a call was refused. */
  export class PlatformError extends Error {
    readonly code: "permission_denied" | "invalid" | "not_found" | "too_many" | "loop_detected" | "busy" | "unavailable";
  }

  /** A store of that name. */
  export function open(name: string): Store;

  // Those of the store "default".
  export const get: Store["get"];
  export const entry: Store["entry"];
  export const set: Store["set"];
  export const compareAndSet: Store["compareAndSet"];
  export const cas: Store["compareAndSet"];
  export const remove: Store["delete"];
  export const increment: Store["increment"];
  export const list: Store["list"];
  const del: Store["delete"];
  export { del as delete };

  const kv: {
    open: typeof open;
    Store: typeof Store;
    PlatformError: typeof PlatformError;
  } & Pick<Store, "get" | "entry" | "set" | "compareAndSet" | "cas" | "delete" | "remove" | "increment" | "list">;
  export default kv;
}

declare module "plinth:functions" {
  export interface InvokeOptions {
    /** A version or an alias. */
    qualifier?: string | number;
  }

  /** Calls a function with an event, and gives what its handler gives. */
  export function invoke<T = unknown>(name: string, payload?: unknown, options?: InvokeOptions & { mode?: "sync" }): Promise<T>;
  /** Stores an event for it, which is run later, and again if it fails. */
  export function invoke(name: string, payload: unknown, options: InvokeOptions & { mode: "event" }): Promise<{ requestId: string }>;

  /** The function failed. */
  export class FunctionError extends Error {
    /** The class of what it threw, or `Runtime.…`, `Sandbox.…`. */
    readonly errorType: string;
  }
  export { PlatformError } from "plinth:kv";

  const functions: { invoke: typeof invoke };
  export default functions;
}

declare module "plinth:queue" {
  export interface SendOptions {
    attributes?: Record<string, string | number | bigint | Uint8Array>;
    /** How long the message waits, in seconds. */
    delay?: number;
  }

  /** Sends a message: a text, or what becomes JSON. */
  export function send(queue: string, body: unknown, options?: SendOptions): Promise<{ messageId: string }>;
  /** Sends all of them, or none. */
  export function sendBatch(queue: string, messages: Iterable<SendOptions & { body: unknown }>): Promise<{ messageIds: string[] }>;

  export { PlatformError } from "plinth:kv";

  const queue: { send: typeof send; sendBatch: typeof sendBatch };
  export default queue;
}
