-- Sessions are removed when nobody has refreshed them for long: the oldest are found by this.

create index sessions_updated_at on "auth.sessions" (updated_at);
