// Hashes the body: POST anything, get its SHA-256 (or ?algorithm=SHA-512).

const ALGORITHMS = ['SHA-256', 'SHA-384', 'SHA-512'];

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

Deno.serve(async (request: Request): Promise<Response> => {
  const algorithm = new URL(request.url).searchParams.get('algorithm') ?? 'SHA-256';
  if (!ALGORITHMS.includes(algorithm)) {
    return Response.json({ error: `algorithm is one of ${ALGORITHMS.join(', ')}` }, { status: 400 });
  }
  const content = await request.arrayBuffer();
  const digest = hex(await crypto.subtle.digest(algorithm, content));
  return Response.json({ algorithm, bytes: content.byteLength, digest });
});
