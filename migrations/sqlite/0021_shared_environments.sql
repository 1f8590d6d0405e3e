-- How many calls may run side by side in one environment.
alter table "plinth.function_revisions" add column concurrency integer not null default 1;
