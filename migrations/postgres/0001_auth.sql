-- Users, how they sign in, their sessions, and the server's own keys.

create table auth.users (
    id                 uuid primary key,
    role               text not null,
    email              text unique,
    phone              text unique,
    encrypted_password text,
    email_confirmed_at timestamptz,
    phone_confirmed_at timestamptz,
    last_sign_in_at    timestamptz,
    banned_until       timestamptz,
    raw_app_meta_data  jsonb not null,
    raw_user_meta_data jsonb not null,
    is_anonymous       boolean not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null
);

create index users_created_at on auth.users (created_at, id);

-- A way to sign in: the provider's name, and the user's id at the provider.
create table auth.identities (
    id              uuid primary key,
    user_id         uuid not null references auth.users (id) on delete cascade,
    provider        text not null,
    provider_id     text not null,
    identity_data   jsonb not null,
    last_sign_in_at timestamptz,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    unique (provider, provider_id)
);

create index identities_user_id on auth.identities (user_id);

-- One row a session, whatever the number of its refresh tokens: a token carries a counter, and is current when it
-- equals this row's. The salt goes into the key that signs the session's tokens; the rest of that key is not here.
create table auth.sessions (
    id              uuid primary key,
    user_id         uuid not null references auth.users (id) on delete cascade,
    aal             text not null,
    amr             jsonb not null,
    refresh_salt    bytea not null,
    refresh_counter bigint not null,
    refreshed_at    timestamptz,
    user_agent      text,
    ip              text,
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);

create index sessions_user_id on auth.sessions (user_id);

-- The server's own keys, sealed under the master key. `name` is there to make them once: two nodes that start at the
-- same time insert the same names.
create table plinth.keys (
    id         uuid primary key,
    name       text not null unique,
    kind       text not null,
    public_id  text unique,
    sealed     bytea not null,
    created_at timestamptz not null,
    revoked_at timestamptz
);
