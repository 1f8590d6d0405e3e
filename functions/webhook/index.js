// Takes a webhook: nobody sends a key, so the function checks the sender's signature itself.
// x-signature is the HMAC-SHA-256 of the body in hex, with the secret of plinth.json.

const encoder = new TextEncoder();
const key = await crypto.subtle.importKey(
  'raw',
  encoder.encode(process.env.WEBHOOK_SECRET),
  { name: 'HMAC', hash: 'SHA-256' },
  false,
  ['verify'],
);

const fromHex = (text) => Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));

export default async function (request) {
  if (request.method !== 'POST') {
    return new Response('use POST\n', { status: 405, headers: { allow: 'POST' } });
  }
  const body = await request.arrayBuffer();
  const signature = fromHex(request.headers.get('x-signature') ?? '');
  if (!(await crypto.subtle.verify('HMAC', key, signature, body))) {
    return new Response('the signature does not match\n', { status: 401 });
  }
  console.log(`accepted ${body.byteLength} bytes`);
  return Response.json({ accepted: true });
}
