-- database: system
-- Queues, and the messages in them.

create table plinth.queues (
    name                 text primary key,
    -- Seconds.
    delay_s              bigint not null,
    retention_s          bigint not null,
    receive_wait_s       bigint not null,
    visibility_timeout_s bigint not null,
    -- Bytes.
    max_message_size     bigint not null,
    -- Null: no dead-letter queue.
    dead_letter_queue    text,
    max_receive_count    bigint,
    tags                 jsonb not null default '{}',
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    purged_at            timestamptz
);

create table plinth.queue_messages (
    id                uuid primary key,
    queue             text not null references plinth.queues (name) on delete cascade,
    body              text not null,
    -- By name: {"type": …, "string": …} or {"type": …, "binary": base64}.
    attributes        jsonb not null,
    sent_at           timestamptz not null,
    -- When it may be received; of one that was received, when it may be again.
    due_at            timestamptz not null,
    expires_at        timestamptz not null,
    receives          bigint not null default 0,
    first_received_at timestamptz,
    -- What the last receiver deletes it with; null: it was not received.
    receipt           uuid,
    -- Where it was before it came to a dead-letter queue.
    moved_from        text
);

create index queue_messages_due on plinth.queue_messages (queue, due_at);
create index queue_messages_expires on plinth.queue_messages (expires_at);
