-- database: system
-- What functions log, and the records of their calls; the newest lines of each function are kept.

create table plinth.function_logs (
    id          bigint generated always as identity primary key,
    function_id uuid not null,
    at          timestamptz not null,
    request_id  uuid not null,
    kind        text not null,
    level       text not null,
    text        text not null
);

create index function_logs_function_id on plinth.function_logs (function_id, id);
