-- database: system
-- When functions are called by the clock. Beside the events, since a due time is over in the transaction that adds its event.

create table plinth.function_schedules (
    function_id     uuid not null,
    name            text not null,
    function        text not null,
    -- Changes with the timing; the request id of a firing is made of it and the due time.
    series          uuid not null,
    expression      text not null,
    timezone        text not null,
    starts_at       timestamptz,
    ends_at         timestamptz,
    -- When the timing was set: what rates count from.
    set_at          timestamptz not null,
    -- JSON; null: the event that EventBridge sends.
    payload         bytea,
    -- Empty: $LATEST.
    qualifier       text not null,
    enabled         boolean not null,
    -- skip, once or all.
    missed          text not null,
    -- Whether it came with a deployment.
    declared        boolean not null,
    -- When it is due; null: never again, or not while it is disabled.
    next_at         timestamptz,
    -- The last firing.
    last_due_at     timestamptz,
    last_fired_at   timestamptz,
    last_request_id uuid,
    -- Why the last firing was not accepted.
    refusal         text,
    created_at      timestamptz not null,
    -- When it was set, by whoever set it; a firing that read it before then does not count.
    updated_at      timestamptz not null,
    primary key (function_id, name)
);

create index function_schedules_next on plinth.function_schedules (next_at);
