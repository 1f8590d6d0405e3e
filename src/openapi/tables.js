// Shows the app's tables as a key or a token may use them. Both stay in this page: they are sent to this server alone, as headers.
const form = document.querySelector('form');
const status = document.querySelector('[role=status]');

async function show() {
  const { apikey, token } = Object.fromEntries(new FormData(form));
  const headers = { apikey, authorization: `Bearer ${token || apikey}` };
  const answer = await fetch('/rest/v1/?openapi=3.1', { headers });
  const document_ = await answer.json();
  if (!answer.ok) {
    status.textContent = `${answer.status}: ${document_.message}`;
    return;
  }
  const count = Object.keys(document_.paths).length;
  status.textContent = count === 0 ? 'There is nothing that this key may use.' : `${count} of the app's tables, views and functions.`;
  SwaggerUIBundle({
    spec: document_,
    dom_id: '#swagger-ui',
    tryItOutEnabled: true,
    displayRequestDuration: true,
    requestInterceptor: (request) => Object.assign(request, { headers: { ...request.headers, ...headers } }),
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  show().catch((error) => { status.textContent = `The server does not answer: ${error.message}`; });
});

// A link may bring the key behind its #, which browsers do not send.
const brought = new URLSearchParams(location.hash.slice(1));
if (brought.has('apikey')) {
  for (const name of ['apikey', 'token']) form.elements[name].value = brought.get(name) ?? '';
  form.requestSubmit();
}
