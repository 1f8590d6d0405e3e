// Counts visits, in a store that every environment on every node shares: POST counts, GET only looks.
// What it may use is in plinth.json: "permissions": { "kv": { "counters": "write" } }.

import { open } from 'plinth:kv';

const counters = open('counters');

/** The path below the function names the counter: /functions/v1/counter/front-page. */
function nameIn(url: string): string {
  const path = new URL(url).pathname.split('/functions/v1/counter')[1] ?? '';
  return decodeURIComponent(path.replace(/^\/+/, '')) || 'visits';
}

export default {
  async fetch(request: Request): Promise<Response> {
    const name = nameIn(request.url);
    if (request.method === 'POST') return Response.json({ name, count: await counters.increment(name) });
    if (request.method !== 'GET') return new Response(null, { status: 405, headers: { allow: 'GET, POST' } });
    return Response.json({ name, count: (await counters.get(name)) ?? 0 });
  },
};
