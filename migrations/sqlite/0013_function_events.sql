-- database: system
-- Calls that nobody waits for: kept until they succeeded, or were given up and looked at.

create table "plinth.function_events" (
    -- The call's request id, the same for each of its tries.
    id             text primary key,
    function_id    text not null,
    function       text not null,
    -- Empty: $LATEST.
    qualifier      text not null,
    payload        blob not null,
    client_context text,
    -- waiting: for its time, or for the runner that has it. dead: given up.
    state          text not null,
    -- When it may be taken; while a runner has it, when the runner's lease ends. Of a dead one, when it was given up.
    due_at         text not null,
    -- The process that has it; null: none.
    runner         text,
    accepted_at    text not null,
    -- Tries that failed in the function.
    attempts       integer not null default 0,
    -- Tries for which there was no room.
    refusals       integer not null default 0,
    -- What the last try failed with.
    error_type     text,
    error_message  text
) strict;

create index function_events_due on "plinth.function_events" (state, due_at);
create index function_events_function on "plinth.function_events" (function_id, state, accepted_at);
