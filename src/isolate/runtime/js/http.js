// HTTP for Lambda-style handlers: the function-URL event (payload 2.0) and the object that answers it.
import { core, primordials } from "ext:core/mod.js";
import { op_plinth_answer_http_bytes, op_plinth_answer_http_text } from "ext:core/ops";
import { fail } from "ext:plinth/errors.js";
import { surroundings } from "ext:plinth/process.js";

const {
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  Date,
  JSONParse,
  JSONStringify,
  NumberIsInteger,
  ObjectAssign,
  ObjectKeys,
  RegExpPrototypeTest,
  SafeRegExp,
  String,
  StringPrototypePadStart,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
} = primordials;

const infra = core.loadExtScript("ext:deno_web/00_infra.js");
const url = core.loadExtScript("ext:deno_web/00_url.js");

const TEXT = new SafeRegExp(/^(text\/|application\/(.*\+)?(json|xml|javascript|graphql|yaml))/);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @returns the event of a request whose parts came from Rust */
export function makeEvent(call, http) {
  const headers = {};
  const cookies = [];
  const lines = StringPrototypeSplit(http.headers, "\n");
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i];
    const value = lines[i + 1];
    if (name === "cookie") {
      for (const cookie of StringPrototypeSplit(value, "; ")) ArrayPrototypePush(cookies, cookie);
    } else {
      headers[name] = name in headers ? `${headers[name]},${value}` : value;
    }
  }
  const claims = http.claims === null ? null : JSONParse(http.claims);
  const event = {
    version: "2.0",
    routeKey: "$default",
    rawPath: http.path,
    rawQueryString: http.query,
    headers,
    requestContext: {
      accountId: claims === null ? "anonymous" : "000000000000",
      apiId: surroundings.function,
      authentication: null,
      domainName: headers.host ?? "localhost",
      domainPrefix: surroundings.function,
      http: {
        method: http.method,
        path: http.path,
        protocol: "HTTP/1.1",
        sourceIp: http.sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: call.requestId,
      routeKey: "$default",
      stage: "$default",
      time: commonLogTime(http.time),
      timeEpoch: http.time,
    },
    isBase64Encoded: false,
  };
  if (http.requestContext !== null) ObjectAssign(event.requestContext, JSONParse(http.requestContext));
  if (cookies.length > 0) event.cookies = cookies;
  if (http.query !== "") event.queryStringParameters = parameters(http.query);
  if (claims !== null) event.requestContext.authorizer = { jwt: { claims, scopes: null } };
  if (http.body !== null) putBody(event, http.body, headers["content-type"]);
  return event;
}

function putBody(event, body, type) {
  if (type === undefined || RegExpPrototypeTest(TEXT, StringPrototypeToLowerCase(type))) {
    event.body = core.decode(body);
  } else {
    event.body = infra.forgivingBase64Encode(body);
    event.isBase64Encoded = true;
  }
}

function parameters(query) {
  const all = {};
  for (const [name, value] of url.parseUrlEncoded(core.encode(query))) {
    all[name] = name in all ? `${all[name]},${value}` : value;
  }
  return all;
}

// 12/Mar/2020:19:03:58 +0000
function commonLogTime(milliseconds) {
  const time = new Date(milliseconds);
  const two = (number) => StringPrototypePadStart(String(number), 2, "0");
  const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
  return `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}:${clock} +0000`;
}

const NAME = new SafeRegExp(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
const VALUE = new SafeRegExp(/^[\t\x20-\x7e\x80-\uffff]*$/);

/** The answer to an event of {@link makeEvent}: an object with a status code, or any result, which becomes 200 and JSON. */
export function answerEvent(result) {
  if (typeof result !== "object" || result === null || result.statusCode === undefined) {
    const json = typeof result === "string" ? result : JSONStringify(result) ?? "null";
    return op_plinth_answer_http_text(200, "content-type\napplication/json\n", json);
  }
  const head = headOf(result, "application/json");
  if (head === undefined) return;
  const { status, headers } = head;
  const body = result.body ?? "";
  if (result.isBase64Encoded) {
    let bytes;
    try {
      bytes = infra.forgivingBase64Decode(String(body));
    } catch {
      return fail("Runtime.InvalidResponse", "isBase64Encoded is true, but the response's body is not base64", false);
    }
    return op_plinth_answer_http_bytes(status, headers, bytes);
  }
  op_plinth_answer_http_text(status, headers, typeof body === "string" ? body : JSONStringify(body));
}

/** The status and the headers that an object asks for; `undefined`, and the call has failed, when they cannot be sent. */
export function headOf(result, defaultType) {
  const status = typeof result.statusCode === "string" ? +result.statusCode : result.statusCode;
  if (!NumberIsInteger(status) || status < 100 || status > 599) {
    return fail("Runtime.InvalidResponse", "the response's statusCode is not an integer from 100 to 599", false);
  }
  const headers = collectHeaders(result, defaultType);
  return headers === undefined ? undefined : { status, headers };
}

function collectHeaders(result, defaultType) {
  const lines = [];
  let typed = false;
  const push = (name, value) => {
    const text = String(value);
    if (!RegExpPrototypeTest(NAME, name) || !RegExpPrototypeTest(VALUE, text)) {
      fail("Runtime.InvalidResponse", `the response's header ${JSONStringify(name)} cannot be sent: a name or value is malformed`, false);
      return false;
    }
    const lower = StringPrototypeToLowerCase(name);
    typed ||= lower === "content-type";
    ArrayPrototypePush(lines, lower, text);
    return true;
  };
  const headers = result.headers ?? {};
  for (const name of ObjectKeys(headers)) {
    if (!push(name, headers[name])) return undefined;
  }
  const many = result.multiValueHeaders ?? {};
  for (const name of ObjectKeys(many)) {
    for (const value of ArrayIsArray(many[name]) ? many[name] : [many[name]]) {
      if (!push(name, value)) return undefined;
    }
  }
  for (const cookie of ArrayIsArray(result.cookies) ? result.cookies : []) {
    if (!push("set-cookie", cookie)) return undefined;
  }
  if (!typed) ArrayPrototypePush(lines, "content-type", defaultType);
  return lines.length === 0 ? "" : `${ArrayPrototypeJoin(lines, "\n")}\n`;
}
