// HTTP for web-style handlers: a real Request in, a real Response out.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_answer, op_plinth_answer_http_bytes, op_plinth_answer_http_text, op_plinth_waiting } from "ext:core/ops";
import { fail } from "ext:plinth/errors.js";
import { body as bodies, request as requests, response as responses, streams } from "ext:plinth/globals.js";
import { send, sendLong, start } from "ext:plinth/stream.js";

const {
  ArrayPrototypePush,
  JSONParse,
  JSONStringify,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  PromiseResolve,
  StringPrototypeIncludes,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
} = primordials;

/** The longest body of a whole answer, in bytes, and the longest text that is surely no longer. */
const MAX_WHOLE = 6 * 1024 * 1024;
const MAX_TEXT = MAX_WHOLE / 3;

/**
 * What deno's Request keeps inside, for a request that has arrived: as `newInnerRequest` makes it, which takes V8 several times as long,
 * since it defines accessors on every object.
 */
class Arrived {
  #headers;
  #list = null;
  #url;
  redirectMode = "follow";
  redirectCount = 0;
  urlList;
  urlListProcessed;
  clientRid = null;
  blobUrlEntry = null;

  constructor(method, url, headers, body) {
    this.method = method;
    this.#url = url;
    this.#headers = headers;
    this.body = body;
    this.urlList = [() => url];
    this.urlListProcessed = [url];
  }

  get headerList() {
    return this.#list ??= pairs(this.#headers);
  }

  set headerList(list) {
    this.#list = list;
  }

  url() {
    return this.#url;
  }

  currentUrl() {
    return this.#url;
  }
}

function pairs(lines) {
  const parts = StringPrototypeSplit(lines, "\n");
  const list = [];
  for (let i = 0; i + 1 < parts.length; i += 2) ArrayPrototypePush(list, [parts[i], parts[i + 1]]);
  return list;
}

/** A request whose parts came from Rust. */
export function makeRequest(http) {
  let body = null;
  if (typeof http.body === "number") {
    body = new bodies.InnerBody(streams.readableStreamForRid(http.body));
  } else if (http.body !== null) {
    body = new bodies.InnerBody({ body: http.body, consumed: false });
    body.length = http.body.length;
  }
  return requests.fromInnerRequest(new Arrived(http.method, http.url, http.headers, body), "immutable");
}

/** The request that stands for an event: its JSON, posted. */
export const eventAsHttp = (json) => ({
  method: "POST",
  url: "http://localhost/",
  headers: "content-type\napplication/json\n",
  sourceIp: "127.0.0.1",
  claims: null,
  body: core.encode(json),
});

/** The third argument of a web-style handler; `call` is its number where others run beside it, otherwise 0. */
export function makeContext(http, call) {
  return {
    claims: http.claims === null ? null : JSONParse(http.claims),
    waitUntil(promise) {
      op_plinth_waiting(call, true);
      const settled = () => op_plinth_waiting(call, false);
      PromisePrototypeThen(PromiseResolve(promise), settled, (reason) => {
        settled();
        console.error("a promise given to waitUntil was rejected:", reason);
      });
    },
    passThroughOnException() {},
  };
}

/**
 * Sends the response: as a stream when it is one that goes on and the caller takes that, otherwise whole; `event` when the caller
 * wants a JSON result instead.
 */
export async function answer(response, event, mayStream) {
  if (!ObjectPrototypeIsPrototypeOf(responses.ResponsePrototype, response)) {
    return fail("Runtime.InvalidResponse", "the handler of a web-style function answers with a Response", false);
  }
  const inner = responses.toInnerResponse(response);
  if (inner.type === "error") {
    return fail("Runtime.InvalidResponse", "the handler answered with Response.error(), which cannot be sent", false);
  }
  if (event) return answerEvent(response, inner);
  let headers = "";
  for (let i = 0; i < inner.headerList.length; i++) {
    headers += `${StringPrototypeToLowerCase(inner.headerList[i][0])}\n${inner.headerList[i][1]}\n`;
  }
  if (responses.responseBodyUsed(response)) {
    return fail("Runtime.InvalidResponse", "the body of the handler's Response was already used", false);
  }
  // What is too long for a whole answer is streamed, though it is there.
  const tooLong = (bytes) => mayStream && bytes.length > MAX_WHOLE;
  const sendWhole = (bytes) => {
    if (tooLong(bytes)) return sendLong(bytes, inner.status, headers);
    op_plinth_answer_http_bytes(inner.status, headers, bytes);
  };
  const whole = inner.body?.streamOrStatic?.body;
  if (inner.body === null) {
    op_plinth_answer_http_text(inner.status, headers, "");
  } else if (typeof whole === "string" && whole.length <= MAX_TEXT) {
    op_plinth_answer_http_text(inner.status, headers, whole);
  } else if (mayStream && whole === undefined && inner.body.source === null) {
    await send(response.body.getReader(), sendWhole, () => start(inner.status, headers));
  } else {
    await sendWhole(await response.bytes());
  }
}

async function answerEvent(response, inner) {
  if (inner.status >= 400) {
    return fail("Function.HttpStatus", `the handler answered the event with status ${inner.status}`, false);
  }
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  if (text === "") return op_plinth_answer("null");
  if (StringPrototypeIncludes(type, "json")) {
    try {
      JSONParse(text);
      return op_plinth_answer(text);
    } catch {
      // Said to be JSON and is not: passed on as text.
    }
  }
  op_plinth_answer(JSONStringify(text));
}
