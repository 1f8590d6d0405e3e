-- Functions, and their revisions, which never change.

create table plinth.functions (
    id         uuid primary key,
    name       text not null unique,
    -- The revision that new calls run.
    revision   bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- Code is in the blob store under its hash. The values of the variables are sealed under the master key; their names are not.
create table plinth.function_revisions (
    id            uuid primary key,
    function_id   uuid not null references plinth.functions (id) on delete cascade,
    number        bigint not null,
    handler       text,
    memory_mb     bigint not null,
    timeout_s     bigint not null,
    verify_jwt    boolean not null,
    network       jsonb not null,
    description   text not null,
    env_names     jsonb not null,
    sealed_env    bytea not null,
    language      text not null,
    style         text not null,
    source_sha256 text not null,
    source_size   bigint not null,
    code_sha256   text not null,
    code_len      bigint not null,
    created_at    timestamptz not null,
    unique (function_id, number)
);
