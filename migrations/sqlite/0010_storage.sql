-- Files: buckets, objects, uploads that are not finished, and bytes that nobody needs any more.

create table "storage.buckets" (
    id                 text primary key,
    name               text not null unique,
    owner              text,
    created_at         text not null,
    updated_at         text not null,
    public             integer not null,
    file_size_limit    integer,
    allowed_mime_types text,
    owner_id           text
) strict;

-- `version` names the bytes: other bytes are another version, so that nobody ever reads a half of each.
create table "storage.objects" (
    id               text primary key,
    bucket_id        text not null references "storage.buckets" (id),
    name             text not null,
    owner            text,
    created_at       text not null,
    updated_at       text not null,
    last_accessed_at text not null,
    metadata         text not null,
    path_tokens      text generated always as ('[' || replace(json_quote(name), '/', '","') || ']') virtual,
    version          text not null unique,
    owner_id         text,
    user_metadata    text,
    unique (bucket_id, name)
) strict;

-- An upload that comes in pieces: resumable, or S3's multipart. What it needs to become an object is in `options`.
create table "storage.uploads" (
    id         text primary key,
    kind       text not null,
    bucket_id  text not null references "storage.buckets" (id) on delete cascade,
    name       text not null,
    length     integer,
    options    text not null,
    created_at text not null,
    expires_at text not null
) strict;

create index uploads_bucket on "storage.uploads" (bucket_id, name);
create index uploads_expiry on "storage.uploads" (expires_at);

-- The pieces of an upload, and of the version that it became: `upload_id` is then the version's id.
create table "storage.pieces" (
    upload_id  text not null,
    part       integer not null,
    blob       text not null unique,
    size       integer not null,
    md5        text not null,
    sha256     text not null,
    created_at text not null,
    primary key (upload_id, part)
) strict;

-- Blobs to remove once it is `due_at`: whoever reads one now may finish.
create table "storage.garbage" (
    blob   text primary key,
    due_at text not null
) strict;

create index garbage_due on "storage.garbage" (due_at);
