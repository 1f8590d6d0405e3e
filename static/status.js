// Shows what /health/ready says, and puts this server's own address into the examples.

const state = document.getElementById('state');
const parts = document.getElementById('parts');

const words = { ready: 'ready', not_ready: 'not ready' };
const name = (key) => key.replaceAll('_', ' ');

function show(health) {
  state.dataset.state = health.status;
  state.textContent = health.status === 'ready' ? 'Everything is ready.' : 'Not everything is ready.';
  const items = Object.entries(health).filter(([key]) => key !== 'status').map(([key, value]) => {
    const item = document.createElement('li');
    item.dataset.state = value;
    item.textContent = `${name(key)}: ${words[value] ?? value}`;
    return item;
  });
  parts.replaceChildren(...items);
}

async function ask() {
  try {
    const answer = await fetch('/health/ready', { cache: 'no-store' });
    show(await answer.json());
  } catch {
    state.dataset.state = 'not_ready';
    state.textContent = 'The server does not answer.';
    parts.replaceChildren();
  }
}

for (const code of document.querySelectorAll('[data-origin]')) {
  code.textContent = code.textContent.replaceAll('http://127.0.0.1:8000', location.origin);
}

await ask();
setInterval(() => { if (!document.hidden) ask(); }, 10_000);
