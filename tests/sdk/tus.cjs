// Drives resumable uploads of a running server with the real tus-js-client. Arguments: its address, the anon key.
const assert = require('node:assert/strict');
const { createClient } = require('@supabase/supabase-js');
const tus = require('tus-js-client');
const transport = globalThis.WebSocket ?? require('ws');

const [url, anonKey] = process.argv.slice(2);
const ada = createClient(url, anonKey, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport } });
const endpoint = `${url}/storage/v1/upload/resumable`;
const MIB = 1024 * 1024;
const file = Buffer.from(Array.from({ length: 3 * MIB + 17 }, (_, at) => (at * 31 + (at >> 8)) % 251));

let token;
let folder;

/** The options of an upload as Supabase's guide gives them: the user's token, and no key. */
function options(objectName, more = {}) {
  return {
    endpoint,
    retryDelays: null,
    headers: { authorization: `Bearer ${token}` },
    uploadDataDuringCreation: true,
    removeFingerprintOnSuccess: true,
    metadata: {
      bucketName: 'files',
      objectName: `${folder}/${objectName}`,
      contentType: 'image/png',
      cacheControl: '3600',
      metadata: JSON.stringify({ mood: 'good' }),
    },
    chunkSize: 512 * 1024,
    ...more,
  };
}

/** Uploads to the end; `prepare` may change the upload before it starts. */
function upload(body, given, prepare = () => {}) {
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(body, { ...given, onError: reject, onSuccess: () => resolve(one) });
    prepare(one);
    one.start();
  });
}

/** Uploads until a chunk was accepted after so many bytes, and aborts. */
function abortedAfter(bytes, body, given) {
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(body, {
      ...given,
      onError: reject,
      onSuccess: () => reject(new Error('it was not aborted')),
      onChunkComplete: (_size, accepted) => {
        if (accepted >= bytes) one.abort().then(() => resolve(one), reject);
      },
    });
    one.start();
  });
}

async function is(objectName, body) {
  const { data, error } = await ada.storage.from('files').download(`${folder}/${objectName}`);
  assert.equal(error, null, error?.message);
  assert.ok(Buffer.from(await data.arrayBuffer()).equals(body), `${objectName} is what was uploaded`);
}

async function refused(promise, status) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.originalResponse?.getStatus(), status, error.message);
    return true;
  });
}

async function signsUp() {
  const { data, error } = await ada.auth.signUp({ email: 'ada@example.net', password: 'correct horse battery' });
  assert.equal(error, null);
  token = data.session.access_token;
  folder = data.user.id;
}

async function uploadsInChunks() {
  await upload(file, options('chunks.png'));
  await is('chunks.png', file);
  const { data } = await ada.storage.from('files').info(`${folder}/chunks.png`);
  assert.deepEqual([data.size, data.contentType, data.cacheControl, data.metadata.mood], [file.length, 'image/png', 'max-age=3600', 'good']);
  await upload(Buffer.from('small'), options('whole.txt'));
  await is('whole.txt', Buffer.from('small'));
  await upload(Buffer.alloc(0), options('empty.txt', { uploadDataDuringCreation: false }));
  await is('empty.txt', Buffer.alloc(0));
  await upload(file, options('separate.png', { uploadDataDuringCreation: false }));
  await is('separate.png', file);
  await upload(file, options('post.png', { overridePatchMethod: true }));
  await is('post.png', file);
}

async function resumes() {
  const aborted = await abortedAfter(MIB, file, options('resumed.png'));
  await new Promise((resolve, reject) => {
    const one = new tus.Upload(file, options('resumed.png', { onError: reject, onSuccess: resolve }));
    one.url = aborted.url;
    one.start();
  });
  await is('resumed.png', file);
}

async function terminates() {
  const aborted = await abortedAfter(MIB, file, options('ended.png'));
  await tus.Upload.terminate(aborted.url, options('ended.png'));
  const answer = await fetch(aborted.url, { method: 'HEAD', headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' } });
  assert.equal(answer.status, 404);
  assert.equal((await ada.storage.from('files').exists(`${folder}/ended.png`)).data, false);
}

async function isRefused() {
  await refused(upload(file, options('whole.txt')), 409);
  await upload(file, options('whole.txt', { headers: { authorization: `Bearer ${token}`, 'x-upsert': 'true' } }));
  await is('whole.txt', file);
  await refused(upload(file, options('../../elsewhere.png')), 400);
  await refused(upload(file, { ...options('x'), metadata: { bucketName: 'files', objectName: 'elsewhere.png' } }), 403);
  await refused(upload(file, { ...options('x'), headers: {} }), 400);
}

async function uploadsBySignedToken() {
  const { data } = await ada.storage.from('files').createSignedUploadUrl(`${folder}/given.png`);
  const signed = { endpoint: `${endpoint}/sign`, headers: { 'x-signature': data.token } };
  await refused(upload(file, options('other.png', signed)), 400);
  await upload(file, options('given.png', signed));
  await is('given.png', file);
}

async function retries() {
  // The answer to a chunk is lost: the client asks how far it came, and goes on.
  let lost = 0;
  class Lossy extends tus.DefaultHttpStack {
    createRequest(method, to) {
      const request = super.createRequest(method, to);
      const send = request.send.bind(request);
      request.send = async (body) => {
        const answer = await send(body);
        if (method === 'PATCH' && lost < 2) {
          lost += 1;
          throw new Error('the answer is lost');
        }
        return answer;
      };
      return request;
    }
  }
  await upload(file, options('retried.png', { retryDelays: [0, 10, 10], httpStack: new Lossy({}) }));
  assert.equal(lost, 2);
  await is('retried.png', file);
}

async function main() {
  for (const step of [signsUp, uploadsInChunks, resumes, terminates, isRefused, uploadsBySignedToken, retries]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
