-- What feeds functions with the messages of queues.

create table plinth.event_source_mappings (
    id               uuid primary key,
    function_id      uuid not null references plinth.functions (id) on delete cascade,
    -- Empty: $LATEST. Otherwise a version's number or an alias.
    qualifier        text not null,
    queue            text not null,
    batch_size       bigint not null,
    window_s         bigint not null,
    -- Null: the server's own.
    max_concurrency  bigint,
    -- An array of patterns, each as text.
    filters          jsonb not null,
    reports_failures boolean not null,
    is_enabled       boolean not null,
    updated_at       timestamptz not null,
    unique (function_id, qualifier, queue)
);

create index event_source_mappings_queue on plinth.event_source_mappings (queue);
