-- What AWS Lambda's API adds to functions: versions, aliases, URLs, policies, tags, reserved concurrency.

-- Numbers given to revisions so far, live or published.
alter table plinth.functions add column numbers bigint not null default 0;
update plinth.functions set numbers = revision;
-- Versions published so far; a number is never given twice.
alter table plinth.functions add column last_version bigint not null default 0;
-- Null: nothing is reserved. 0: no call is let through.
alter table plinth.functions add column reserved_concurrency bigint;
alter table plinth.functions add column tags jsonb not null default '{}';

-- Null for what $LATEST is or was.
alter table plinth.function_revisions add column version bigint;
alter table plinth.function_revisions add column declared jsonb not null default '{}';
create unique index function_revisions_version on plinth.function_revisions (function_id, version);

create table plinth.function_aliases (
    function_id uuid not null references plinth.functions (id) on delete cascade,
    name        text not null,
    description text not null,
    -- Null: $LATEST.
    version     bigint,
    weights     jsonb not null,
    revision_id uuid not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (function_id, name)
);

create table plinth.function_urls (
    function_id uuid not null references plinth.functions (id) on delete cascade,
    -- Empty: $LATEST.
    alias       text not null,
    url_id      text not null unique,
    auth_type   text not null,
    invoke_mode text not null,
    cors        jsonb,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (function_id, alias)
);

create table plinth.function_policies (
    function_id uuid not null references plinth.functions (id) on delete cascade,
    -- Empty: the function itself. Otherwise a version's number or an alias.
    qualifier   text not null,
    statements  jsonb not null,
    revision_id uuid not null,
    primary key (function_id, qualifier)
);

-- Environments of a version or alias that each node keeps initialised.
create table plinth.function_provisioned (
    function_id  uuid not null references plinth.functions (id) on delete cascade,
    qualifier    text not null,
    environments bigint not null,
    updated_at   timestamptz not null,
    primary key (function_id, qualifier)
);
