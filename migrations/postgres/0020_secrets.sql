-- Secrets of functions, and what functions may do.

create table plinth.secrets (
    name       text collate "C" primary key,
    -- Sealed by the vault, and bound to the id.
    id         uuid not null,
    sealed     bytea not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- Counts the changes of secrets: environments that began before one are not used after it. One row.
create table plinth.secret_changes (
    one     bigint primary key check (one = 1),
    changes bigint not null
);

insert into plinth.secret_changes (one, changes) values (1, 0);

-- Shared stores, queues, functions and secrets that the function may use: nothing by default.
alter table plinth.function_revisions add column permissions jsonb not null default '{}';
