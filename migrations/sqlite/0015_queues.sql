-- database: system
-- Queues, and the messages in them.

create table "plinth.queues" (
    name                 text primary key,
    -- Seconds.
    delay_s              integer not null,
    retention_s          integer not null,
    receive_wait_s       integer not null,
    visibility_timeout_s integer not null,
    -- Bytes.
    max_message_size     integer not null,
    -- Null: no dead-letter queue.
    dead_letter_queue    text,
    max_receive_count    integer,
    tags                 text not null default '{}',
    created_at           text not null,
    updated_at           text not null,
    purged_at            text
) strict;

create table "plinth.queue_messages" (
    id                text primary key,
    queue             text not null references "plinth.queues" (name) on delete cascade,
    body              text not null,
    -- By name: {"type": …, "string": …} or {"type": …, "binary": base64}.
    attributes        text not null,
    sent_at           text not null,
    -- When it may be received; of one that was received, when it may be again.
    due_at            text not null,
    expires_at        text not null,
    receives          integer not null default 0,
    first_received_at text,
    -- What the last receiver deletes it with; null: it was not received.
    receipt           text,
    -- Where it was before it came to a dead-letter queue.
    moved_from        text
) strict;

create index queue_messages_due on "plinth.queue_messages" (queue, due_at);
create index queue_messages_expires on "plinth.queue_messages" (expires_at);
