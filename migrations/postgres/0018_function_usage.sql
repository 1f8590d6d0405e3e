-- database: system
-- What functions' calls came to, by the minute, the hour and the day: each call is counted in all three.

create table plinth.function_usage (
    -- minute, hour or day.
    period      text not null,
    -- When the interval began, in UTC.
    begins_at   timestamptz not null,
    -- By its name: what was used is kept when the function is deleted.
    function    text not null,
    -- A number, or $LATEST.
    version     text not null,
    calls       bigint not null,
    errors      bigint not null,
    timeouts    bigint not null,
    throttles   bigint not null,
    cold_starts bigint not null,
    duration_us bigint not null,
    billed_ms   bigint not null,
    -- Billed milliseconds times the memory size in MB.
    mb_ms       bigint not null,
    cpu_us      bigint not null,
    -- The most of all calls.
    peak_bytes  bigint not null,
    -- How long the handlers took: a histogram.
    durations   bytea not null,
    primary key (period, begins_at, function, version)
);

create index function_usage_function on plinth.function_usage (function, period, begins_at);
