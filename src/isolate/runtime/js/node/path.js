// node:path. Both families share what follows, told apart by their separators; the platform's own is POSIX.
(function () {
const { core } = __bootstrap;
const { checkObject, checkString } = core.loadExtScript("ext:plinth/node/errors.js");

/** Resolves `.` and `..`; above the root of an absolute path there is nothing. */
function collapse(segments, absolute) {
  const kept = [];
  for (const segment of segments) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!absolute) kept.push("..");
  }
  return kept;
}

/** The family of functions of a platform. `rootOf` gives the prefix that is no segment: `/`, `C:\`, `\\host\share\`. */
function family({ sep, delimiter, separators, rootOf, cwd, same }) {
  const isSeparator = (char) => separators.includes(char);
  const splitter = sep === "/" ? "/" : /[\\/]/;
  const isAbsoluteRoot = (root) => root !== "" && isSeparator(root.at(-1));

  function normalize(path) {
    checkString(path, "path");
    if (path === "") return ".";
    const { root, device } = rootOf(path);
    const absolute = isAbsoluteRoot(root);
    let tail = collapse(path.slice(root.length).split(splitter), absolute).join(sep);
    if (tail === "" && !absolute) tail = ".";
    const slash = tail !== "" && isSeparator(path.at(-1)) && path.length > root.length ? sep : "";
    return `${device}${absolute ? sep : ""}${tail}${slash}`;
  }

  function join(...parts) {
    for (const part of parts) checkString(part, "path");
    const joined = parts.filter((part) => part !== "");
    if (joined.length === 0) return ".";
    if (sep === "\\") {
      // Slashes that only joining brings together do not name a host.
      let whole = joined.join("\\");
      if (!/^[\\/]{2}[^\\/]/.test(joined[0])) whole = whole.replace(/^[\\/]{2,}/, "\\");
      return normalize(whole);
    }
    return normalize(joined.join(sep));
  }

  function isAbsolute(path) {
    checkString(path, "path");
    return isAbsoluteRoot(rootOf(path).root);
  }

  function resolve(...parts) {
    let device = "";
    let tail = "";
    let absolute = false;
    for (let i = parts.length - 1; i >= -1 && !(absolute && (device !== "" || sep === "/")); i--) {
      const part = i >= 0 ? parts[i] : cwd(device);
      checkString(part, `paths[${i}]`);
      if (part === "") continue;
      const found = rootOf(part);
      if (found.device !== "" && device !== "" && found.device.toLowerCase() !== device.toLowerCase()) continue;
      if (device === "") device = found.device;
      if (absolute) continue;
      tail = `${part.slice(found.root.length)}${sep}${tail}`;
      absolute = isAbsoluteRoot(found.root);
    }
    return `${device}${absolute ? sep : ""}${collapse(tail.split(splitter), absolute).join(sep)}` || ".";
  }

  function relative(from, to) {
    checkString(from, "from");
    checkString(to, "to");
    const [start, end] = [resolve(from), resolve(to)];
    if (same(start) === same(end)) return "";
    const [startRoot, endRoot] = [rootOf(start).root, rootOf(end).root];
    if (same(startRoot) !== same(endRoot)) return end;
    const split = (path, root) => path.slice(root.length).split(sep).filter((segment) => segment !== "");
    const [left, right] = [split(start, startRoot), split(end, endRoot)];
    let common = 0;
    while (common < left.length && common < right.length && same(left[common]) === same(right[common])) common++;
    return [...left.slice(common).fill(".."), ...right.slice(common)].join(sep);
  }

  // Where the path ends when slashes at its end do not count.
  function lastEnd(path, root) {
    let end = path.length;
    while (end > root.length && isSeparator(path[end - 1])) end--;
    return end;
  }

  function lastSeparator(path, from) {
    let at = from - 1;
    while (at >= 0 && !isSeparator(path[at])) at--;
    return at;
  }

  function dirname(path) {
    checkString(path, "path");
    if (path === "") return ".";
    const { root } = rootOf(path);
    const at = lastSeparator(path, lastEnd(path, root));
    if (at < root.length) return root === "" ? "." : root;
    return sep === "/" && root !== "" && at === 1 ? "//" : path.slice(0, at);
  }

  function basename(path, suffix) {
    if (suffix !== undefined) checkString(suffix, "suffix");
    checkString(path, "path");
    if (suffix === path) return "";
    const { device } = rootOf(path);
    const drive = sep === "\\" && device.length === 2 ? device : "";
    const end = lastEnd(path, drive);
    const base = path.slice(Math.max(lastSeparator(path, end) + 1, drive.length), end);
    return suffix && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  }

  function extname(path) {
    checkString(path, "path");
    const base = basename(path);
    const dot = base.lastIndexOf(".");
    return dot <= 0 || base === ".." ? "" : base.slice(dot);
  }

  function format(parts) {
    checkObject(parts, "pathObject");
    const dot = parts.ext && !parts.ext.startsWith(".") ? "." : "";
    const base = parts.base || `${parts.name || ""}${dot}${parts.ext || ""}`;
    const dir = parts.dir || parts.root;
    if (!dir) return base;
    return dir === parts.root ? `${dir}${base}` : `${dir}${sep}${base}`;
  }

  function parse(path) {
    checkString(path, "path");
    const { root } = rootOf(path);
    const base = path.length > root.length ? basename(path.slice(root.length)) : "";
    const ext = extname(base);
    const end = lastEnd(path, root);
    const at = lastSeparator(path, end);
    const dir = at < root.length ? root : path.slice(0, at);
    return { root, dir, base, ext, name: ext === "" ? base : base.slice(0, -ext.length) };
  }

  function matchesGlob(path, pattern) {
    checkString(path, "path");
    checkString(pattern, "pattern");
    const special = { "**/": "(?:.*[/])?", "**": ".*", "*": "[^/]*", "?": "[^/]" };
    const source = pattern.replace(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (found) => special[found] ?? `\\${found}`);
    return new RegExp(`^${source}$`).test(path);
  }

  return {
    resolve,
    normalize,
    isAbsolute,
    join,
    relative,
    toNamespacedPath: (path) => path,
    dirname,
    basename,
    extname,
    format,
    parse,
    matchesGlob,
    sep,
    delimiter,
    win32: null,
    posix: null,
  };
}

const posix = family({
  sep: "/",
  delimiter: ":",
  separators: "/",
  rootOf: (path) => ({ root: path.startsWith("/") ? "/" : "", device: "" }),
  cwd: () => "/var/task",
  same: (path) => path,
});

const win32 = family({
  sep: "\\",
  delimiter: ";",
  separators: "\\/",
  rootOf(path) {
    const host = /^[\\/]{2}([^\\/]+)[\\/]+([^\\/]+)(?:[\\/]+|$)/.exec(path);
    if (host !== null) return { root: /[\\/]$/.test(host[0]) ? host[0] : `${host[0]}\\`, device: `\\\\${host[1]}\\${host[2]}` };
    const drive = /^[A-Za-z]:/.exec(path)?.[0] ?? "";
    const slash = /^[\\/]/.exec(path.slice(drive.length))?.[0] ?? "";
    return { root: drive + slash, device: drive };
  },
  cwd: (device) => `${device}\\var\\task`,
  same: (path) => path.toLowerCase(),
});

for (const each of [posix, win32]) Object.assign(each, { posix, win32 });

return posix;
})();
