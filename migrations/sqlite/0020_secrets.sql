-- Secrets of functions, and what functions may do.

create table "plinth.secrets" (
    name       text primary key,
    -- Sealed by the vault, and bound to the id.
    id         text not null,
    sealed     blob not null,
    created_at text not null,
    updated_at text not null
) strict;

-- Counts the changes of secrets: environments that began before one are not used after it. One row.
create table "plinth.secret_changes" (
    one     integer primary key check (one = 1),
    changes integer not null
) strict;

insert into "plinth.secret_changes" (one, changes) values (1, 0);

-- Shared stores, queues, functions and secrets that the function may use: nothing by default.
alter table "plinth.function_revisions" add column permissions text not null default '{}';
