// Evaluates the expressions of a table and shows each value, or what it threw, as text that says everything: run by a function and by
// Node itself.
const get = (name) => process.getBuiltinModule(`node:${name}`);

function show(value, seen = []) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (seen.includes(value)) return "circular";
  const inner = (each) => show(each, [...seen, value]);
  if (value instanceof Error) return `${value.name} ${value.code} ${JSON.stringify(value.message)}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} ${Array.from(value)}`;
  if (value instanceof Map) return `Map ${inner([...value])}`;
  if (value instanceof Set) return `Set ${inner([...value])}`;
  if (value instanceof Date || value instanceof RegExp || value instanceof URL) return `${value.constructor.name} ${value}`;
  if (Array.isArray(value)) return `[${value.map(inner).join(", ")}]`;
  const fields = Object.keys(value).map((key) => `${key}: ${inner(value[key])}`);
  return `{${fields.join(", ")}}`;
}

async function evaluate(cases) {
  const shown = [];
  for (const run of cases) {
    try {
      shown.push(show(await run(get(MODULE), Buffer)));
    } catch (error) {
      shown.push(`threw ${show(error)}`);
    }
  }
  return shown;
}
