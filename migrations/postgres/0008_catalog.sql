-- What an app's schema consists of, and which of the app's migrations were applied.

-- A JSON document for each table and view ('relation') and function; `arguments` are a function's types, so that names may be
-- used again with others.
create table plinth.catalog (
    kind      text not null,
    name      text not null,
    arguments text not null,
    document  jsonb not null,
    primary key (kind, name, arguments)
);

-- One row: how often the catalogue was changed.
create table plinth.catalog_version (
    id      bigint primary key check (id = 1),
    version bigint not null
);

insert into plinth.catalog_version (id, version) values (1, 0);

-- The app's migrations, by the number that their files begin with.
create table plinth.app_migrations (
    number     bigint primary key,
    name       text not null,
    checksum   text not null,
    applied_at timestamptz not null
);

-- What native policies and defaults call. Requests never do: the server binds these values itself.
create function auth.jwt() returns jsonb language sql stable
    as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
create function auth.email() returns text language sql stable as $$ select auth.jwt() ->> 'email' $$;
