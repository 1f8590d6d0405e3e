// node:url: the web's classes, files as URLs, and the old functions `parse`, `format` and `resolve`.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { checkString, invalidType, make } = load("ext:plinth/node/errors.js");
const path = load("ext:plinth/node/path.js");
const querystring = load("ext:plinth/node/text/querystring.js");
const { URL, URLSearchParams } = load("ext:deno_web/00_url.js");

const isUrl = (value) => Boolean(value?.href && value.protocol && value.auth === undefined && value.path === undefined);

function fileURLToPath(url) {
  if (typeof url === "string") url = new URL(url);
  else if (!isUrl(url)) throw invalidType("path", "of type string or an instance of URL", url);
  if (url.protocol !== "file:") throw make(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  if (url.hostname !== "") {
    throw make(TypeError, "ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
  }
  if (/%2f/i.test(url.pathname)) {
    throw make(TypeError, "ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
  }
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(file) {
  checkString(file, "path");
  const slash = file.endsWith("/") && file.length > 1 ? "/" : "";
  const whole = `${path.resolve(file)}${slash}`.replace(/\/\/$/, "/");
  const escapes = { "%": "%25", "\\": "%5C", "\n": "%0A", "\r": "%0D", "\t": "%09", "?": "%3F", "#": "%23" };
  return new URL(`file://${whole.replace(/[%\\\n\r\t?#]/g, (char) => escapes[char])}`);
}

function urlToHttpOptions(url) {
  const options = {
    __proto__: null,
    ...url,
    protocol: url.protocol,
    hostname: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    hash: url.hash,
    search: url.search,
    pathname: url.pathname,
    path: `${url.pathname}${url.search}`,
    href: url.href,
  };
  if (url.port !== "") options.port = Number(url.port);
  if (url.username || url.password) options.auth = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return options;
}

function domainToASCII(domain) {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return "";
  }
}

const domainToUnicode = (domain) => load("ext:plinth/node/text/punycode.js").toUnicode(domainToASCII(domain));

/** What the old functions take apart; every field is null until it is found. */
function Url() {
  const none = ["protocol", "slashes", "auth", "host", "port", "hostname", "hash", "search", "query", "pathname", "path", "href"];
  for (const field of none) this[field] = null;
}

const SLASHED = new Set(["http:", "https:", "ftp:", "gopher:", "file:", "ws:", "wss:"]);
const HOSTLESS = new Set(["javascript:"]);
// These never stand for themselves in a URL.
const UNSAFE = /[\t\n\r "<>\\^`{|}']/g;
const escapeChar = (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

// `user:password@host:port` at the beginning; gives the rest.
function takeHost(url, rest) {
  // An `@` may come late in what is no host yet; the host ends at the first of these after it.
  const hard = rest.search(/[/?#]/);
  const authority = hard < 0 ? rest : rest.slice(0, hard);
  const at = authority.lastIndexOf("@");
  if (at >= 0) url.auth = decodeURIComponent(authority.slice(0, at));
  const after = authority.slice(at + 1);
  const soft = after.search(/[\t\n\r "%';<>\\^`{|}]/);
  let host = soft < 0 ? after : after.slice(0, soft);
  const left = (soft < 0 ? "" : after.slice(soft)) + (hard < 0 ? "" : rest.slice(hard));
  const port = /:([0-9]*)$/.exec(host);
  if (port !== null) {
    if (port[1] !== "") url.port = port[1];
    host = host.slice(0, port.index);
  }
  const isIPv6 = host.startsWith("[") && host.endsWith("]");
  url.hostname = isIPv6 ? host.slice(1, -1) : host.toLowerCase();
  if (!isIPv6 && /[^\x00-\x7f]/.test(host)) url.hostname = domainToASCII(host);
  if (!isIPv6 && /[:[\]]/.test(host)) {
    throw Object.assign(make(TypeError, "ERR_INVALID_URL", "Invalid URL"), { input: url.href });
  }
  url.host = `${isIPv6 ? host : url.hostname}${url.port === null ? "" : `:${url.port}`}`;
  return left !== "" && !/^[/?#]/.test(left) ? `/${left}` : left;
}

function parse(text, parseQuery, slashesDenoteHost) {
  if (text instanceof Url) return text;
  checkString(text, "url");
  const url = new Url();
  // Backslashes before the query are slashes, as browsers have it.
  const query = text.search(/[?#]/);
  let rest = (query < 0 ? text : text.slice(0, query)).replace(/\\/g, "/") + (query < 0 ? "" : text.slice(query));
  rest = rest.trim();
  const protocol = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
  if (protocol !== undefined) {
    url.protocol = protocol.toLowerCase();
    rest = rest.slice(protocol.length);
  }
  const slashes = (slashesDenoteHost || protocol !== undefined || /^\/\/[^@/]+@[^@/]+/.test(rest)) && rest.startsWith("//");
  if (slashes && !HOSTLESS.has(url.protocol)) {
    url.slashes = true;
    rest = rest.slice(2);
  }
  if (url.slashes || (protocol !== undefined && !HOSTLESS.has(url.protocol) && !SLASHED.has(url.protocol))) {
    rest = takeHost(url, rest);
  }
  if (!HOSTLESS.has(url.protocol)) rest = rest.replace(UNSAFE, escapeChar);
  const hash = rest.indexOf("#");
  if (hash >= 0) {
    url.hash = rest.slice(hash);
    rest = rest.slice(0, hash);
  }
  const mark = rest.indexOf("?");
  if (mark >= 0) {
    url.search = rest.slice(mark);
    url.query = rest.slice(mark + 1);
    rest = rest.slice(0, mark);
  }
  if (parseQuery) {
    url.search ??= "";
    url.query = querystring.parse(url.query ?? "");
  }
  if (rest !== "") url.pathname = rest;
  if (SLASHED.has(url.protocol) && url.hostname && url.pathname === null) url.pathname = "/";
  if (url.pathname !== null || url.search !== null) url.path = `${url.pathname ?? ""}${url.search ?? ""}` || null;
  url.href = url.format();
  return url;
}

Url.prototype.parse = function (text, parseQuery, slashesDenoteHost) {
  return Object.assign(this, parse(text, parseQuery, slashesDenoteHost));
};

Url.prototype.format = function () {
  const auth = this.auth ? `${encodeURIComponent(this.auth).replace(/%3A/gi, ":")}@` : "";
  let protocol = this.protocol ?? "";
  let pathname = this.pathname ?? "";
  let hash = this.hash ?? "";
  let host = "";
  if (this.host) {
    host = auth + this.host;
  } else if (this.hostname) {
    const bracketed = this.hostname.includes(":") && !this.hostname.startsWith("[") ? `[${this.hostname}]` : this.hostname;
    host = auth + bracketed + (this.port ? `:${this.port}` : "");
  }
  const query = this.query !== null && typeof this.query === "object" ? querystring.stringify(this.query) : "";
  let search = this.search || (query && `?${query}`) || "";
  if (protocol && !protocol.endsWith(":")) protocol += ":";
  pathname = pathname.replace(/[?#]/g, escapeChar);
  if (this.slashes || SLASHED.has(protocol)) {
    if (this.slashes || host) {
      if (pathname && !pathname.startsWith("/")) pathname = `/${pathname}`;
      host = `//${host}`;
    } else if (protocol === "file:") {
      host = "//";
    }
  }
  search = search.replace(/#/g, "%23");
  if (hash && !hash.startsWith("#")) hash = `#${hash}`;
  if (search && !search.startsWith("?")) search = `?${search}`;
  return protocol + host + pathname + search + hash;
};

Url.prototype.resolve = function (relative) {
  return this.resolveObject(relative).href;
};

// Takes `.` and `..` out of a path.
function normalize(pathname) {
  const absolute = pathname.startsWith("/");
  const kept = [];
  const segments = pathname.split("/");
  for (const segment of absolute ? segments.slice(1) : segments) {
    if (segment === "..") {
      if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
      else if (!absolute) kept.push("..");
    } else if (segment !== ".") {
      kept.push(segment);
    }
  }
  const open = /(^|\/)\.{1,2}$/.test(pathname) && kept.at(-1) !== "" && kept.length > 0 ? "/" : "";
  return `${absolute ? "/" : ""}${kept.join("/")}${open}`;
}

Url.prototype.resolveObject = function (relative) {
  const target = typeof relative === "string" ? parse(relative, false, true) : relative;
  const result = Object.assign(new Url(), this);
  result.hash = target.hash;
  if (target.href === "") {
    result.href = result.format();
    return result;
  }
  const take = (...fields) => fields.forEach((field) => (result[field] = target[field]));
  const host = ["auth", "host", "hostname", "port"];
  if (target.protocol && target.protocol !== result.protocol) {
    Object.assign(result, target);
  } else if (target.host || target.slashes) {
    take(...host, "pathname", "search", "query");
    result.slashes = true;
  } else if (target.pathname) {
    const base = result.pathname ?? (result.host ? "/" : "");
    const folder = base.slice(0, base.lastIndexOf("/") + 1);
    result.pathname = target.pathname.startsWith("/") ? target.pathname : folder + target.pathname;
    take("search", "query");
  } else if (target.search) {
    take("search", "query");
  }
  if (result.pathname && (SLASHED.has(result.protocol) || result.protocol === null)) {
    if (result.host && !result.pathname.startsWith("/")) result.pathname = `/${result.pathname}`;
    result.pathname = normalize(result.pathname);
  } else if (SLASHED.has(result.protocol) && result.host && !result.pathname) {
    result.pathname = "/";
  }
  result.path = `${result.pathname ?? ""}${result.search ?? ""}` || null;
  result.href = result.format();
  return result;
};

function format(url, options) {
  if (typeof url === "string") return parse(url).format();
  if (url === null || typeof url !== "object") {
    throw invalidType("urlObject", "one of type object or string", url);
  }
  if (!isUrl(url) || url instanceof Url) return Url.prototype.format.call(url);
  const { auth = true, fragment = true, search = true, unicode = false } = options ?? {};
  const shown = new URL(url.href);
  if (!fragment) shown.hash = "";
  if (!search) shown.search = "";
  if (!auth) shown.username = shown.password = "";
  return unicode && shown.hostname ? shown.href.replace(shown.hostname, domainToUnicode(shown.hostname)) : shown.href;
}

return {
  Url,
  parse,
  resolve: (from, to) => parse(from, false, true).resolve(to),
  resolveObject: (from, to) => (from ? parse(from, false, true).resolveObject(to) : to),
  format,
  URL,
  URLSearchParams,
  domainToASCII,
  domainToUnicode,
  pathToFileURL,
  fileURLToPath,
  urlToHttpOptions,
};
})();
