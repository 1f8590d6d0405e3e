// Drives the data API of a running server with the real supabase-js, over the schema of examples/team-tasks.
// Arguments: the server's address, the anon key, the service key.
const assert = require('node:assert/strict');
const { createClient } = require('@supabase/supabase-js');
const transport = globalThis.WebSocket ?? require('ws');

const [url, anonKey, serviceKey] = process.argv.slice(2);
const connect = (key) =>
  createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport } });

function data(answer) {
  assert.equal(answer.error, null, JSON.stringify(answer.error));
  return answer.data;
}

function refused(answer, code, status) {
  assert.equal(answer.error?.code, code, JSON.stringify(answer));
  if (status) assert.equal(answer.status, status);
  return answer.error;
}

async function signedUp(email) {
  const client = connect(anonKey);
  const { user } = data(await client.auth.signUp({ email, password: 'correct horse battery' }));
  return { client, id: user.id };
}

const team = '11111111-1111-4111-8111-111111111111';
let ada, bob, eve, service;

async function foundsATeam() {
  service = connect(serviceKey);
  [ada, bob, eve] = [await signedUp('ada@example.com'), await signedUp('bob@example.com'), await signedUp('eve@example.com')];
  const made = data(await ada.client.from('teams').insert({ id: team, name: 'Lighthouse', created_by: ada.id }).select().single());
  assert.equal(made.name, 'Lighthouse');
  assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
  data(await ada.client.from('team_members').insert({ team_id: team, user_id: ada.id, role: 'owner' }));
  data(await ada.client.from('team_members').insert({ team_id: team, user_id: bob.id }));
  // Nobody founds a team in another's name, and who is not in a team does not see it.
  refused(await eve.client.from('teams').insert({ name: 'Mine', created_by: ada.id }), '42501', 403);
  assert.deepEqual(data(await eve.client.from('teams').select()), []);
  refused(await eve.client.from('team_members').insert({ team_id: team, user_id: eve.id }), '42501', 403);
  refused(await connect(anonKey).from('teams').select(), '42501', 401);
}

async function inserts() {
  const [lamp, paint] = data(
    await ada.client
      .from('projects')
      .insert([
        { team_id: team, slug: 'lamp', title: 'Repair the lamp', budget: 1250.5, settings: { color: 'amber', limits: { watts: 400 } } },
        { team_id: team, slug: 'paint', title: 'Paint the tower' },
      ], { defaultToNull: false })
      .select(),
  );
  assert.deepEqual([lamp.budget, paint.budget, paint.settings], [1250.5, null, {}]);
  const tasks = data(
    await ada.client
      .from('tasks')
      .insert([
        { project_id: lamp.id, title: 'Order a lens', priority: 1, tags: ['buy', 'glass'], due: '2026-03-01', assignee_id: bob.id },
        { project_id: lamp.id, title: 'Clean the room', priority: 3, tags: [], due: null, assignee_id: null },
        { project_id: paint.id, title: 'Buy paint', priority: 2, tags: ['buy'], due: '2026-02-01', assignee_id: ada.id },
      ])
      .select('id,title,created_by,tags'),
  );
  assert.deepEqual(tasks.map((task) => task.title), ['Order a lens', 'Clean the room', 'Buy paint']);
  assert.ok(tasks.every((task) => task.created_by === ada.id));
  const minimal = await bob.client.from('tasks').insert({ project_id: lamp.id, title: 'Scrub', parent_id: tasks[1].id });
  assert.deepEqual([minimal.status, minimal.data], [201, null]);
  refused(await ada.client.from('tasks').insert({ project_id: lamp.id, title: '' }), '23514', 400);
  refused(await ada.client.from('tasks').insert({ project_id: lamp.id, title: null }), '23502', 400);
  refused(await ada.client.from('tasks').insert({ project_id: lamp.id, title: 'x', colour: 1 }), 'PGRST204', 400);
  refused(await ada.client.from('tasks').insert({ project_id: lamp.id, title: 'x', priority: 'high' }), '22P02', 400);
  refused(await ada.client.from('tasks').insert({ project_id: lamp.id, title: 'x', created_by: bob.id }), '42501', 403);
  const twice = refused(await ada.client.from('projects').insert({ team_id: team, slug: 'lamp', title: 'Again' }), '23505', 409);
  assert.equal(twice.details, `Key (team_id, slug)=(${team}, lamp) already exists.`);
  refused(await service.from('tasks').insert({ project_id: 999, title: 'x', created_by: ada.id }), '23503', 409);
  // All rows or none.
  refused(await ada.client.from('tasks').insert([{ project_id: lamp.id, title: 'kept?' }, { project_id: lamp.id, title: '' }]), '23514');
  assert.deepEqual(data(await ada.client.from('tasks').select().eq('title', 'kept?')), []);
}

async function filters() {
  const tasks = () => bob.client.from('tasks').select('title').order('id');
  const titles = async (query) => data(await query).map((row) => row.title);
  assert.deepEqual(await titles(tasks().eq('priority', 1)), ['Order a lens']);
  assert.deepEqual(await titles(tasks().neq('title', 'Scrub').gt('priority', 1)), ['Clean the room', 'Buy paint']);
  assert.deepEqual(await titles(tasks().gte('due', '2026-02-01').lt('due', '2026-03-01')), ['Buy paint']);
  assert.deepEqual(await titles(tasks().in('title', ['Scrub', 'a "quoted", one', 'Buy paint'])), ['Buy paint', 'Scrub']);
  assert.deepEqual(await titles(tasks().is('due', null)), ['Clean the room', 'Scrub']);
  assert.deepEqual(await titles(tasks().not('due', 'is', null)), ['Order a lens', 'Buy paint']);
  assert.deepEqual(await titles(tasks().is('done', false).like('title', '%a%')), ['Order a lens', 'Clean the room', 'Buy paint']);
  assert.deepEqual(await titles(tasks().like('title', 'buy%')), []);
  assert.deepEqual(await titles(tasks().ilike('title', 'buy%')), ['Buy paint']);
  assert.deepEqual(await titles(tasks().likeAllOf('title', ['%e%', '%n%'])), ['Order a lens', 'Clean the room']);
  assert.deepEqual(await titles(tasks().contains('tags', ['buy'])), ['Order a lens', 'Buy paint']);
  assert.deepEqual(await titles(tasks().containedBy('tags', ['buy', 'x'])), ['Clean the room', 'Buy paint', 'Scrub']);
  assert.deepEqual(await titles(tasks().overlaps('tags', ['glass', 'x'])), ['Order a lens']);
  assert.deepEqual(await titles(tasks().textSearch('title', 'paint | lens')), ['Order a lens', 'Buy paint']);
  assert.deepEqual(await titles(tasks().textSearch('title', '"buy paint" or scrub', { type: 'websearch' })), ['Buy paint', 'Scrub']);
  assert.deepEqual(await titles(tasks().match({ priority: 2, done: false })), ['Buy paint', 'Scrub']);
  assert.deepEqual(await titles(tasks().or('priority.eq.1,and(priority.eq.2,title.like.S*)')), ['Order a lens', 'Scrub']);
  assert.deepEqual(await titles(tasks().filter('title', 'match', '^[BS]')), ['Buy paint', 'Scrub']);
  const json = data(await ada.client.from('projects').select('slug, color:settings->>color, settings->limits->watts').eq('settings->>color', 'amber'));
  assert.deepEqual(json, [{ slug: 'lamp', color: 'amber', watts: 400 }]);
  assert.deepEqual(data(await ada.client.from('projects').select('slug').contains('settings', { limits: { watts: 400 } })), [{ slug: 'lamp' }]);
  refused(await bob.client.from('tasks').select('title').eq('priority', 'x'), '22P02', 400);
  refused(await bob.client.from('tasks').select('title').eq('nothing', 1), '42703', 400);
  refused(await bob.client.from('nothing').select(), 'PGRST205', 404);
}

async function ordersAndPages() {
  const all = bob.client.from('tasks');
  const due = data(await all.select('title').order('due', { ascending: false }).order('title'));
  assert.deepEqual(due.map((row) => row.title), ['Clean the room', 'Scrub', 'Order a lens', 'Buy paint']);
  const last = data(await all.select('title').order('due', { nullsFirst: false }).order('title').limit(2));
  assert.deepEqual(last.map((row) => row.title), ['Buy paint', 'Order a lens']);
  const page = await all.select('title', { count: 'exact' }).order('id').range(1, 2);
  assert.deepEqual([page.status, page.count, data(page).map((row) => row.title)], [206, 4, ['Clean the room', 'Buy paint']]);
  const head = await all.select('*', { count: 'exact', head: true });
  assert.deepEqual([head.count, head.data], [4, null]);
  refused(await all.select('title', { count: 'exact' }).range(10, 12), 'PGRST103', 416);
  assert.equal(data(await all.select('title').eq('priority', 1).single()).title, 'Order a lens');
  refused(await all.select('title').single(), 'PGRST116', 406);
  assert.equal(data(await all.select('title').eq('priority', 77).maybeSingle()), null);
  const csv = data(await all.select('title,done').order('id').limit(1).csv());
  assert.equal(csv.trim(), 'title,done\nOrder a lens,f');
}

async function embeds() {
  const project = data(
    await bob.client
      .from('projects')
      .select('slug, team:teams(name), tasks(title, labels(name))')
      .eq('slug', 'lamp')
      .order('title', { referencedTable: 'tasks' })
      .limit(2, { referencedTable: 'tasks' })
      .single(),
  );
  assert.deepEqual(project, {
    slug: 'lamp',
    team: { name: 'Lighthouse' },
    tasks: [{ title: 'Clean the room', labels: [] }, { title: 'Order a lens', labels: [] }],
  });
  const inner = data(await bob.client.from('projects').select('slug, tasks!inner(title)').eq('tasks.priority', 2).order('slug'));
  assert.deepEqual(inner, [
    { slug: 'lamp', tasks: [{ title: 'Scrub' }] },
    { slug: 'paint', tasks: [{ title: 'Buy paint' }] },
  ]);
  const up = data(await bob.client.from('tasks').select('title, parent:parent_id(title)').eq('title', 'Scrub').single());
  assert.deepEqual(up, { title: 'Scrub', parent: { title: 'Clean the room' } });
  const without = data(await bob.client.from('tasks').select('title, labels()').is('labels', null).order('id').limit(1));
  assert.deepEqual(without, [{ title: 'Order a lens' }]);
  const counted = data(await bob.client.from('projects').select('slug, tasks(count)').order('slug'));
  assert.deepEqual(counted, [{ slug: 'lamp', tasks: [{ count: 3 }] }, { slug: 'paint', tasks: [{ count: 1 }] }]);
  const sums = data(await bob.client.from('tasks').select('done, n:count(), most:priority.max()'));
  assert.deepEqual(sums, [{ done: false, n: 4, most: 3 }]);
  assert.deepEqual(data(await eve.client.from('projects').select('slug, tasks(title)')), []);
  refused(await bob.client.from('projects').select('slug, labels(name)'), 'PGRST200', 400);
}

async function changes() {
  const label = data(await bob.client.from('labels').insert({ team_id: team, name: 'urgent' }).select().single());
  const lens = data(await bob.client.from('tasks').select('id').eq('priority', 1).single());
  data(await bob.client.from('task_labels').insert({ task_id: lens.id, label_id: label.id }));
  const labelled = data(await bob.client.from('labels').select('name, tasks(title)').single());
  assert.deepEqual(labelled, { name: 'urgent', tasks: [{ title: 'Order a lens' }] });
  const upserted = data(
    await bob.client.from('projects').upsert({ team_id: team, slug: 'lamp', title: 'Mend the lamp' }, { onConflict: 'team_id,slug' }).select('title, budget').single(),
  );
  assert.deepEqual(upserted, { title: 'Mend the lamp', budget: 1250.5 });
  const ignored = data(
    await bob.client.from('projects').upsert([{ team_id: team, slug: 'lamp', title: 'No' }, { team_id: team, slug: 'door', title: 'Oil the door' }], { onConflict: 'team_id,slug', ignoreDuplicates: true }).select('slug'),
  );
  assert.deepEqual(ignored, [{ slug: 'door' }]);
  const updated = data(await bob.client.from('tasks').update({ done: true, tags: ['bought'] }).eq('title', 'Buy paint').select('done, tags, projects(slug)'));
  assert.deepEqual(updated, [{ done: true, tags: ['bought'], projects: { slug: 'paint' } }]);
  const counted = await bob.client.from('tasks').update({ body: 'soon' }, { count: 'exact' }).eq('done', false);
  assert.deepEqual([counted.status, counted.count], [204, 3]);
  refused(await bob.client.from('tasks').update({ created_by: bob.id }).eq('done', false), '42501', 403);
  refused(await bob.client.from('tasks').update({ body: 'x' }).eq('done', false).maxAffected(1), 'PGRST124', 400);
  assert.deepEqual(data(await eve.client.from('tasks').update({ body: 'mine' }).eq('done', false).select()), []);
  // The restrictive policy keeps what is done.
  assert.deepEqual(data(await bob.client.from('tasks').delete().eq('title', 'Buy paint').select('title')), []);
  assert.deepEqual(data(await bob.client.from('tasks').delete().eq('title', 'Scrub').select('title')), [{ title: 'Scrub' }]);
  // Members do not dissolve the team; who leaves sees it no more.
  assert.deepEqual(data(await bob.client.from('teams').delete().eq('id', team).select()), []);
  data(await bob.client.from('team_members').delete().eq('user_id', bob.id));
  assert.deepEqual(data(await bob.client.from('projects').select()), []);
}

async function callsFunctions() {
  const due = data(await ada.client.rpc('due_before', { day: '2026-04-01' }).select('title'));
  assert.deepEqual(due, [{ title: 'Order a lens' }]);
  assert.deepEqual(data(await eve.client.rpc('due_before', { day: '2026-04-01' })), []);
  const totals = data(await ada.client.rpc('team_totals', { team }, { get: true }));
  assert.deepEqual(totals.map((row) => [row.project, row.tasks, row.done]), [['Mend the lamp', 2, 0], ['Oil the door', 0, 0], ['Paint the tower', 1, 1]]);
  assert.equal(data(await ada.client.rpc('is_owner', { team })), true);
  assert.equal(data(await eve.client.rpc('is_member', { team })), false);
  const room = data(await ada.client.from('tasks').select('id').eq('title', 'Clean the room').single());
  assert.deepEqual(data(await eve.client.rpc('complete', { task: room.id })), []);
  assert.deepEqual(data(await ada.client.rpc('complete', { task: room.id }).select('done')), [{ done: true }]);
  refused(await ada.client.rpc('no_such_function', {}), 'PGRST202', 404);
  const open = data(await ada.client.from('open_tasks').select('title, project'));
  assert.deepEqual(open, [{ title: 'Order a lens', project: 'Mend the lamp' }]);
  assert.deepEqual(data(await eve.client.from('open_tasks').select()), []);
}

async function main() {
  for (const step of [foundsATeam, inserts, filters, ordersAndPages, embeds, changes, callsFunctions]) {
    await step();
    console.log(`done: ${step.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
