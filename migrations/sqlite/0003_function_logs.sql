-- database: system
-- What functions log, and the records of their calls; the newest lines of each function are kept.

create table "plinth.function_logs" (
    id          integer primary key autoincrement,
    function_id text not null,
    at          text not null,
    request_id  text not null,
    kind        text not null,
    level       text not null,
    text        text not null
) strict;

create index function_logs_function_id on "plinth.function_logs" (function_id, id);
