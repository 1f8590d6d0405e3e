-- How calls that nobody waits for are tried again, and who is told how they ended.

create table plinth.function_event_configs (
    function_id uuid not null references plinth.functions (id) on delete cascade,
    -- Empty: $LATEST. Otherwise a version's number or an alias.
    qualifier   text not null,
    -- Null: the server's own.
    max_retries bigint,
    max_age_s   bigint,
    -- ARNs.
    on_success  text,
    on_failure  text,
    updated_at  timestamptz not null,
    primary key (function_id, qualifier)
);
