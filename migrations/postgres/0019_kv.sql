-- database: system
-- The stores of plinth:kv.

create table plinth.kv (
    store      text collate "C" not null,
    key        text collate "C" not null,
    -- bytes, json, or number: a whole number in JSON, which can be added to.
    form       text not null,
    -- Null: a number.
    value      bytea,
    number     bigint,
    -- Another with each write.
    version    uuid not null,
    -- Null: it stays for good.
    expires_at timestamptz,
    updated_at timestamptz not null,
    primary key (store, key)
);

create index kv_expires on plinth.kv (expires_at) where expires_at is not null;

-- Functions that an event's sender had gone through.
alter table plinth.function_events add column hops bigint not null default 0;
