// Answers who is calling. The caller's claims were verified before the function ran.

interface Context {
  claims: Record<string, unknown> | null;
}

export default {
  async fetch(request: Request, _env: unknown, ctx: Context): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname.endsWith('/headers')) {
      return Response.json(Object.fromEntries(request.headers));
    }
    const { sub = null, email = null, role = null } = ctx.claims ?? {};
    return Response.json({ user: sub, email, role, signedIn: role === 'authenticated' });
  },
};
