-- database: system
-- What functions' calls came to, by the minute, the hour and the day: each call is counted in all three.

create table "plinth.function_usage" (
    -- minute, hour or day.
    period      text not null,
    -- When the interval began, in UTC.
    begins_at   text not null,
    -- By its name: what was used is kept when the function is deleted.
    function    text not null,
    -- A number, or $LATEST.
    version     text not null,
    calls       integer not null,
    errors      integer not null,
    timeouts    integer not null,
    throttles   integer not null,
    cold_starts integer not null,
    duration_us integer not null,
    billed_ms   integer not null,
    -- Billed milliseconds times the memory size in MB.
    mb_ms       integer not null,
    cpu_us      integer not null,
    -- The most of all calls.
    peak_bytes  integer not null,
    -- How long the handlers took: a histogram.
    durations   blob not null,
    primary key (period, begins_at, function, version)
) strict;

create index function_usage_function on "plinth.function_usage" (function, period, begins_at);
