-- Users, how they sign in, their sessions, and the server's own keys.

create table "auth.users" (
    id                 text primary key,
    role               text not null,
    email              text unique,
    phone              text unique,
    encrypted_password text,
    email_confirmed_at text,
    phone_confirmed_at text,
    last_sign_in_at    text,
    banned_until       text,
    raw_app_meta_data  text not null,
    raw_user_meta_data text not null,
    is_anonymous       integer not null,
    created_at         text not null,
    updated_at         text not null
) strict;

create index users_created_at on "auth.users" (created_at, id);

-- A way to sign in: the provider's name, and the user's id at the provider.
create table "auth.identities" (
    id              text primary key,
    user_id         text not null references "auth.users" (id) on delete cascade,
    provider        text not null,
    provider_id     text not null,
    identity_data   text not null,
    last_sign_in_at text,
    created_at      text not null,
    updated_at      text not null,
    unique (provider, provider_id)
) strict;

create index identities_user_id on "auth.identities" (user_id);

-- One row a session, whatever the number of its refresh tokens: a token carries a counter, and is current when it
-- equals this row's. The salt goes into the key that signs the session's tokens; the rest of that key is not here.
create table "auth.sessions" (
    id              text primary key,
    user_id         text not null references "auth.users" (id) on delete cascade,
    aal             text not null,
    amr             text not null,
    refresh_salt    blob not null,
    refresh_counter integer not null,
    refreshed_at    text,
    user_agent      text,
    ip              text,
    created_at      text not null,
    updated_at      text not null
) strict;

create index sessions_user_id on "auth.sessions" (user_id);

-- The server's own keys, sealed under the master key. `name` is there to make them once: two nodes that start at the
-- same time insert the same names.
create table "plinth.keys" (
    id         text primary key,
    name       text not null unique,
    kind       text not null,
    public_id  text unique,
    sealed     blob not null,
    created_at text not null,
    revoked_at text
) strict;
