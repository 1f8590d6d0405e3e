// Greets the caller: by the name in the body, else by the email in the token, else as a stranger.

interface HttpEvent {
  body?: string;
  isBase64Encoded: boolean;
  requestContext: { authorizer?: { jwt?: { claims?: Record<string, unknown> } } };
}

const startedAt = new Date().toISOString(); // runs once in each environment, in the init phase

function nameIn(event: HttpEvent): string | undefined {
  if (!event.body) return undefined;
  const text = event.isBase64Encoded ? atob(event.body) : event.body;
  try {
    const { name } = JSON.parse(text) ?? {};
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

export const handler = async (event: HttpEvent, context: { awsRequestId: string }) => {
  const claims = event.requestContext?.authorizer?.jwt?.claims ?? {};
  const name = nameIn(event) ?? claims.email ?? 'stranger';
  console.log(`greeting ${name}`);
  return {
    message: `Hello, ${name}!`,
    user: claims.sub ?? null,
    role: claims.role ?? null,
    requestId: context.awsRequestId,
    environmentStartedAt: startedAt,
  };
};
