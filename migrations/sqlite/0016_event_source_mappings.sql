-- What feeds functions with the messages of queues.

create table "plinth.event_source_mappings" (
    id               text primary key,
    function_id      text not null references "plinth.functions" (id) on delete cascade,
    -- Empty: $LATEST. Otherwise a version's number or an alias.
    qualifier        text not null,
    -- The queue is in the system database.
    queue            text not null,
    batch_size       integer not null,
    window_s         integer not null,
    -- Null: the server's own.
    max_concurrency  integer,
    -- An array of patterns, each as text.
    filters          text not null,
    reports_failures integer not null,
    is_enabled       integer not null,
    updated_at       text not null,
    unique (function_id, qualifier, queue)
) strict;

create index event_source_mappings_queue on "plinth.event_source_mappings" (queue);
