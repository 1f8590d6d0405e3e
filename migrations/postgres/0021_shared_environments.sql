-- How many calls may run side by side in one environment.
alter table plinth.function_revisions add column concurrency bigint not null default 1;
