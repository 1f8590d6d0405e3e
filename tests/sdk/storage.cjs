// Drives storage of a running server with the real supabase-js. Arguments: its address, the anon key, the service key.
const assert = require('node:assert/strict');
const { createClient } = require('@supabase/supabase-js');
const transport = globalThis.WebSocket ?? require('ws');

const [url, anonKey, serviceKey] = process.argv.slice(2);
const connect = (key) =>
  createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport } });

function data(answer) {
  assert.equal(answer.error, null, `${answer.error?.name}: ${answer.error?.message}`);
  return answer.data;
}

function refused(answer, statusCode, status = 400) {
  assert.ok(answer.error, 'it was refused');
  assert.deepEqual([answer.error.statusCode, answer.error.status], [statusCode, status], answer.error.message);
}

const service = connect(serviceKey);
const ada = connect(anonKey);

async function signsUp() {
  data(await ada.auth.signUp({ email: 'ada@example.com', password: 'correct horse battery' }));
}

async function managesBuckets() {
  const { storage } = service;
  assert.deepEqual(data(await storage.createBucket('docs', { public: false, fileSizeLimit: '1MB', allowedMimeTypes: ['text/*'] })), { name: 'docs' });
  refused(await storage.createBucket('docs'), '409');
  const bucket = data(await storage.getBucket('docs'));
  assert.deepEqual([bucket.id, bucket.file_size_limit, bucket.allowed_mime_types], ['docs', 1000000, ['text/*']]);
  data(await storage.updateBucket('docs', { public: true, fileSizeLimit: null, allowedMimeTypes: null }));
  assert.ok(data(await storage.listBuckets()).some((one) => one.name === 'docs' && one.public));
  data(await storage.from('docs').upload('a.txt', 'text'));
  refused(await storage.deleteBucket('docs'), '409');
  data(await storage.emptyBucket('docs'));
  data(await storage.deleteBucket('docs'));
  refused(await storage.getBucket('docs'), '404');
  refused(await ada.storage.createBucket('mine'), '403');
}

async function uploadsAndDownloads() {
  const files = ada.storage.from('files');
  const { user } = data(await ada.auth.getUser());
  const path = `${user.id}/notes/one two.txt`;
  const uploaded = data(await files.upload(path, 'first', { contentType: 'text/plain', cacheControl: '60', metadata: { mood: 'good' } }));
  assert.deepEqual([uploaded.path, uploaded.fullPath], [path, `files/${path}`]);
  refused(await files.upload(path, 'second'), '409');
  data(await files.upload(path, new Blob(['second'], { type: 'text/css' }), { upsert: true, metadata: { mood: 'better' } }));
  const blob = data(await files.download(path));
  assert.deepEqual([blob.type, await blob.text()], ['text/css', 'second']);
  const info = data(await files.info(path));
  assert.deepEqual([info.size, info.contentType, info.metadata.mood, info.cacheControl], [6, 'text/css', 'better', 'max-age=3600']);
  assert.equal(data(await files.exists(path)), true);
  assert.equal((await files.exists(`${user.id}/none`)).data, false);
  data(await files.update(path, Buffer.from('third'), { contentType: 'text/plain' }));
  assert.equal(await data(await files.download(path)).text(), 'third');
  const form = new FormData();
  form.append('file', new Blob(['fourth'], { type: 'text/plain' }), 'x.txt');
  data(await files.upload(`${user.id}/form.txt`, form));
  assert.equal(await data(await files.download(`${user.id}/form.txt`)).text(), 'fourth');
  refused(await files.upload('elsewhere.txt', 'x'), '403');
  refused(await files.download(`${user.id}/none`), '404');
  refused(await connect(anonKey).storage.from('files').download(path), '404');
}

async function listsMovesCopiesAndRemoves() {
  const files = ada.storage.from('files');
  const { user } = data(await ada.auth.getUser());
  const names = async (folder, options) => data(await files.list(`${user.id}/${folder}`, options)).map((line) => line.name);
  assert.deepEqual(await names(''), ['notes', 'form.txt']);
  assert.deepEqual(await names('notes', { search: 'ONE' }), ['one two.txt']);
  data(await files.move(`${user.id}/form.txt`, `${user.id}/moved.txt`));
  assert.equal(data(await files.copy(`${user.id}/moved.txt`, `${user.id}/copied.txt`)).path, `files/${user.id}/copied.txt`);
  assert.deepEqual(await names('', { sortBy: { column: 'name', order: 'desc' } }), ['notes', 'moved.txt', 'copied.txt']);
  const first = data(await files.listV2({ prefix: `${user.id}/`, limit: 2, with_delimiter: true }));
  assert.deepEqual([first.hasNext, first.folders.length + first.objects.length], [true, 2]);
  const second = data(await files.listV2({ prefix: `${user.id}/`, limit: 2, with_delimiter: true, cursor: first.nextCursor }));
  assert.deepEqual([second.hasNext, second.folders.map((folder) => folder.name)], [false, [`${user.id}/notes/`]]);
  const removed = data(await files.remove([`${user.id}/moved.txt`, `${user.id}/none`]));
  assert.deepEqual(removed.map((object) => object.name), [`${user.id}/moved.txt`]);
}

async function signs() {
  const files = ada.storage.from('files');
  const { user } = data(await ada.auth.getUser());
  const path = `${user.id}/notes/one two.txt`;
  const { signedUrl } = data(await files.createSignedUrl(path, 60, { download: 'saved.txt' }));
  const answer = await fetch(signedUrl);
  assert.deepEqual([answer.status, await answer.text()], [200, 'third']);
  assert.match(answer.headers.get('content-disposition'), /saved\.txt/);
  const many = data(await files.createSignedUrls([path, `${user.id}/none`], 60));
  assert.equal((await fetch(many[0].signedUrl)).status, 200);
  assert.deepEqual([many[1].signedUrl, typeof many[1].error], [null, 'string']);
  const upload = data(await files.createSignedUploadUrl(`${user.id}/given.txt`));
  data(await connect(anonKey).storage.from('files').uploadToSignedUrl(upload.path, upload.token, 'given'));
  assert.equal(await data(await files.download(`${user.id}/given.txt`)).text(), 'given');
  refused(await connect(anonKey).storage.from('files').uploadToSignedUrl(`${user.id}/other.txt`, upload.token, 'x'), '400');
}

async function showsPublicFiles() {
  const pictures = service.storage.from('pictures');
  data(await pictures.upload('a b/picture.png', Buffer.from([137, 80, 78, 71]), { contentType: 'image/png' }));
  const { publicUrl } = pictures.getPublicUrl('a b/picture.png').data;
  const answer = await fetch(publicUrl);
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/png']);
}

async function main() {
  for (const step of [signsUp, managesBuckets, uploadsAndDownloads, listsMovesCopiesAndRemoves, signs, showsPublicFiles]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
