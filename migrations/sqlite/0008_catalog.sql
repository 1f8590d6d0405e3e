-- What an app's schema consists of, and which of the app's migrations were applied.

-- A JSON document for each table and view ('relation') and function; `arguments` are a function's types, so that names may be
-- used again with others.
create table "plinth.catalog" (
    kind      text not null,
    name      text not null,
    arguments text not null,
    document  text not null,
    primary key (kind, name, arguments)
) strict;

-- One row: how often the catalogue was changed.
create table "plinth.catalog_version" (
    id      integer primary key check (id = 1),
    version integer not null
) strict;

insert into "plinth.catalog_version" (id, version) values (1, 0);

-- The app's migrations, by the number that their files begin with.
create table "plinth.app_migrations" (
    number     integer primary key,
    name       text not null,
    checksum   text not null,
    applied_at text not null
) strict;
