-- How far resumable uploads came, and quotas of buckets.

alter table storage.uploads add column received bigint not null default 0;
alter table storage.uploads add column is_finished boolean not null default false;

-- Bytes of all objects of a bucket; null is no quota.
alter table storage.buckets add column quota bigint;

-- What a bucket with a quota holds. Of one without a quota nothing is counted, so that uploads into it do not wait for one another.
create table storage.usage (
    bucket_id  text collate "C" primary key references storage.buckets (id) on delete cascade,
    is_counted boolean not null,
    bytes      bigint not null,
    objects    bigint not null
);

insert into storage.usage (bucket_id, is_counted, bytes, objects) select id, false, 0, 0 from storage.buckets;

create function storage.count_bucket() returns trigger language plpgsql as $$
begin
    insert into storage.usage (bucket_id, is_counted, bytes, objects) values (new.id, false, 0, 0);
    return null;
end $$;

create trigger usage_of_a_new_bucket after insert on storage.buckets for each row execute function storage.count_bucket();

-- A row that is not counted is held all the same: a transaction that began before the counting fails there and is run again.
create function storage.add_usage(bucket text, number bigint, size bigint) returns void language plpgsql as $$
begin
    update storage.usage u set bytes = u.bytes + size, objects = u.objects + number where u.bucket_id = bucket and u.is_counted;
    if not found then
        perform 1 from storage.usage u where u.bucket_id = bucket for share;
    end if;
end $$;

create function storage.count_object() returns trigger language plpgsql as $$
begin
    if tg_op in ('DELETE', 'UPDATE') then
        perform storage.add_usage(old.bucket_id, -1, -coalesce((old.metadata ->> 'size')::bigint, 0));
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        perform storage.add_usage(new.bucket_id, 1, coalesce((new.metadata ->> 'size')::bigint, 0));
    end if;
    return null;
end $$;

create trigger usage_of_objects after insert or delete or update of bucket_id, metadata on storage.objects
    for each row execute function storage.count_object();
