-- database: system
-- The stores of plinth:kv.

create table "plinth.kv" (
    store      text not null,
    key        text not null,
    -- bytes, json, or number: a whole number in JSON, which can be added to.
    form       text not null,
    -- Null: a number.
    value      blob,
    number     integer,
    -- Another with each write.
    version    text not null,
    -- Null: it stays for good.
    expires_at text,
    updated_at text not null,
    primary key (store, key)
) strict, without rowid;

create index kv_expires on "plinth.kv" (expires_at) where expires_at is not null;

-- Functions that an event's sender had gone through.
alter table "plinth.function_events" add column hops integer not null default 0;
