-- The app's migrations: the version as its file has it (`0001`), and how long it took.
alter table plinth.app_migrations add column version text not null default '';
alter table plinth.app_migrations add column duration_ms bigint not null default 0;
