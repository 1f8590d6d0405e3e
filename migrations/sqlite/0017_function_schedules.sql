-- database: system
-- When functions are called by the clock. Beside the events, since a due time is over in the transaction that adds its event.

create table "plinth.function_schedules" (
    function_id     text not null,
    name            text not null,
    function        text not null,
    -- Changes with the timing; the request id of a firing is made of it and the due time.
    series          text not null,
    expression      text not null,
    timezone        text not null,
    starts_at       text,
    ends_at         text,
    -- When the timing was set: what rates count from.
    set_at          text not null,
    -- JSON; null: the event that EventBridge sends.
    payload         blob,
    -- Empty: $LATEST.
    qualifier       text not null,
    enabled         integer not null,
    -- skip, once or all.
    missed          text not null,
    -- Whether it came with a deployment.
    declared        integer not null,
    -- When it is due; null: never again, or not while it is disabled.
    next_at         text,
    -- The last firing.
    last_due_at     text,
    last_fired_at   text,
    last_request_id text,
    -- Why the last firing was not accepted.
    refusal         text,
    created_at      text not null,
    -- When it was set, by whoever set it; a firing that read it before then does not count.
    updated_at      text not null,
    primary key (function_id, name)
) strict;

create index function_schedules_next on "plinth.function_schedules" (next_at);
