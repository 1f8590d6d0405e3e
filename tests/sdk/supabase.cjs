// Drives a running server with the real supabase-js. Arguments: its address, the anon key, the service key.
const assert = require('node:assert/strict');
const { createClient, FunctionsHttpError } = require('@supabase/supabase-js');
// Older versions of Node have no WebSocket of their own, and the client wants one even when nothing subscribes.
const transport = globalThis.WebSocket ?? require('ws');

const [url, anonKey, serviceKey] = process.argv.slice(2);
const connect = (key) =>
  createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport } });

const password = 'correct horse battery';
const email = 'Ada@Example.com';

function data(answer) {
  assert.equal(answer.error, null, `${answer.error?.name}: ${answer.error?.message}`);
  return answer.data;
}

async function signsUp() {
  const client = connect(anonKey);
  const { user, session } = data(await client.auth.signUp({ email, password, options: { data: { nick: 'ada' } } }));
  assert.equal(user.email, 'ada@example.com');
  assert.equal(user.user_metadata.nick, 'ada');
  assert.equal(user.role, 'authenticated');
  assert.ok(session.access_token && session.refresh_token);
  const again = await connect(anonKey).auth.signUp({ email, password });
  assert.equal(again.error.code, 'user_already_exists');
  const weak = await connect(anonKey).auth.signUp({ email: 'bob@example.com', password: 'x' });
  assert.equal(weak.error.code, 'weak_password');
}

async function signsInAndRefreshes() {
  const client = connect(anonKey);
  const { session } = data(await client.auth.signInWithPassword({ email, password }));
  const claims = data(await client.auth.getClaims()).claims;
  assert.equal(claims.role, 'authenticated');
  assert.equal(claims.aud, 'authenticated');
  const refreshed = data(await client.auth.refreshSession()).session;
  assert.notEqual(refreshed.refresh_token, session.refresh_token);
  assert.equal(refreshed.user.id, session.user.id);
  assert.equal(data(await client.auth.getUser()).user.id, session.user.id);
  const updated = data(await client.auth.updateUser({ data: { nick: 'lovelace', born: 1815 } })).user;
  assert.deepEqual([updated.user_metadata.nick, updated.user_metadata.born], ['lovelace', 1815]);

  const wrong = await connect(anonKey).auth.signInWithPassword({ email, password: 'wrong password' });
  const unknown = await connect(anonKey).auth.signInWithPassword({ email: 'nobody@example.com', password });
  assert.equal(wrong.error.code, 'invalid_credentials');
  assert.deepEqual([unknown.error.code, unknown.error.message], [wrong.error.code, wrong.error.message]);
}

async function signsOut() {
  const client = connect(anonKey);
  const { session } = data(await client.auth.signInWithPassword({ email, password }));
  assert.equal((await client.auth.signOut()).error, null);
  assert.equal(data(await client.auth.getSession()).session, null);
  const over = await connect(anonKey).auth.getUser(session.access_token);
  assert.ok(over.error, 'a token dies with its session');
  const spent = await connect(anonKey).auth.refreshSession({ refresh_token: session.refresh_token });
  assert.ok(spent.error, 'a refresh token dies with its session');
}

async function signsInAnonymously() {
  const client = connect(anonKey);
  const { user } = data(await client.auth.signInAnonymously());
  assert.equal(user.is_anonymous, true);
}

async function invokesFunctions() {
  const client = connect(anonKey);
  const { user } = data(await client.auth.signInWithPassword({ email, password }));
  const greeting = data(await client.functions.invoke('hello', { body: { name: 'Ada' } }));
  assert.equal(greeting.message, 'Hello, Ada!');
  assert.equal(greeting.user, user.id);
  assert.equal(greeting.role, 'authenticated');
  const who = data(await client.functions.invoke('whoami', { method: 'GET' }));
  assert.deepEqual([who.user, who.signedIn], [user.id, true]);
  const hash = data(await client.functions.invoke('digest', { body: 'abc' }));
  assert.equal(hash.digest, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const refused = await client.functions.invoke('digest?algorithm=MD5', { body: 'abc' });
  assert.ok(refused.error instanceof FunctionsHttpError);
  assert.equal(refused.error.context.status, 400);
  const missing = await client.functions.invoke('no-such-function');
  assert.equal(missing.error.context.status, 404);
  const anonymous = data(await connect(anonKey).functions.invoke('whoami'));
  assert.deepEqual([anonymous.user, anonymous.signedIn], [null, false]);
}

async function administers() {
  const { admin } = connect(serviceKey).auth;
  const { user } = data(await admin.createUser({ email: 'grace@example.com', password, email_confirm: true }));
  assert.equal(data(await admin.getUserById(user.id)).user.email, 'grace@example.com');
  const listed = data(await admin.listUsers({ page: 1, perPage: 1 }));
  assert.equal(listed.users.length, 1);
  assert.ok(listed.total >= 2 && listed.nextPage === 2, JSON.stringify(listed));
  data(await admin.updateUserById(user.id, { user_metadata: { rank: 'admiral' } }));
  assert.equal(data(await admin.getUserById(user.id)).user.user_metadata.rank, 'admiral');
  data(await connect(anonKey).auth.signInWithPassword({ email: 'grace@example.com', password }));
  data(await admin.deleteUser(user.id));
  assert.ok((await admin.getUserById(user.id)).error);
  const refused = await connect(anonKey).auth.admin.listUsers();
  assert.ok(refused.error, 'the anon key is no service key');
}

async function main() {
  for (const step of [signsUp, signsInAndRefreshes, signsOut, signsInAnonymously, invokesFunctions, administers]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
