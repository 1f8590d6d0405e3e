-- Functions, and their revisions, which never change.

create table "plinth.functions" (
    id         text primary key,
    name       text not null unique,
    -- The revision that new calls run.
    revision   integer not null,
    created_at text not null,
    updated_at text not null
) strict;

-- Code is in the blob store under its hash. The values of the variables are sealed under the master key; their names are not.
create table "plinth.function_revisions" (
    id            text primary key,
    function_id   text not null references "plinth.functions" (id) on delete cascade,
    number        integer not null,
    handler       text,
    memory_mb     integer not null,
    timeout_s     integer not null,
    verify_jwt    integer not null,
    network       text not null,
    description   text not null,
    env_names     text not null,
    sealed_env    blob not null,
    language      text not null,
    style         text not null,
    source_sha256 text not null,
    source_size   integer not null,
    code_sha256   text not null,
    code_len      integer not null,
    created_at    text not null,
    unique (function_id, number)
) strict;
