-- Files: buckets, objects, uploads that are not finished, and bytes that nobody needs any more.

create table storage.buckets (
    id                 text collate "C" primary key,
    name               text collate "C" not null unique,
    owner              uuid,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    public             boolean not null,
    file_size_limit    bigint,
    allowed_mime_types text[],
    owner_id           text
);

-- `version` names the bytes: other bytes are another version, so that nobody ever reads a half of each.
create table storage.objects (
    id               uuid primary key,
    bucket_id        text collate "C" not null references storage.buckets (id),
    name             text collate "C" not null,
    owner            uuid,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    last_accessed_at timestamptz not null,
    metadata         jsonb not null,
    path_tokens      text[] generated always as (string_to_array(name, '/')) stored,
    version          text not null unique,
    owner_id         text,
    user_metadata    jsonb,
    unique (bucket_id, name)
);

-- An upload that comes in pieces: resumable, or S3's multipart. What it needs to become an object is in `options`.
create table storage.uploads (
    id         uuid primary key,
    kind       text not null,
    bucket_id  text collate "C" not null references storage.buckets (id) on delete cascade,
    name       text collate "C" not null,
    length     bigint,
    options    jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create index uploads_bucket on storage.uploads (bucket_id, name);
create index uploads_expiry on storage.uploads (expires_at);

-- The pieces of an upload, and of the version that it became: `upload_id` is then the version's id.
create table storage.pieces (
    upload_id  uuid not null,
    part       bigint not null,
    blob       text not null unique,
    size       bigint not null,
    md5        text not null,
    sha256     text not null,
    created_at timestamptz not null,
    primary key (upload_id, part)
);

-- Blobs to remove once it is `due_at`: whoever reads one now may finish.
create table storage.garbage (
    blob   text primary key,
    due_at timestamptz not null
);

create index garbage_due on storage.garbage (due_at);

-- What native policies call. Requests never do: the server has its own.
create function storage.foldername(name text) returns text[] language sql immutable
    as $$ select (string_to_array(name, '/'))[1:array_length(string_to_array(name, '/'), 1) - 1] $$;
create function storage.filename(name text) returns text language sql immutable
    as $$ select reverse(split_part(reverse(name), '/', 1)) $$;
create function storage.extension(name text) returns text language sql immutable
    as $$ select reverse(split_part(split_part(reverse(name), '/', 1), '.', 1)) $$;
