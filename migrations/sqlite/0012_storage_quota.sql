-- How far resumable uploads came, and quotas of buckets.

alter table "storage.uploads" add column received integer not null default 0;
alter table "storage.uploads" add column is_finished integer not null default 0;

-- Bytes of all objects of a bucket; null is no quota.
alter table "storage.buckets" add column quota integer;

-- What a bucket with a quota holds. Of one without a quota nothing is counted.
create table "storage.usage" (
    bucket_id  text primary key references "storage.buckets" (id) on delete cascade,
    is_counted integer not null,
    bytes      integer not null,
    objects    integer not null
) strict;

insert into "storage.usage" (bucket_id, is_counted, bytes, objects) select id, 0, 0, 0 from "storage.buckets";

create trigger usage_of_a_new_bucket after insert on "storage.buckets" begin
    insert into "storage.usage" (bucket_id, is_counted, bytes, objects) values (new.id, 0, 0, 0);
end;

create trigger usage_of_a_new_object after insert on "storage.objects" begin
    update "storage.usage" set bytes = bytes + coalesce(new.metadata ->> 'size', 0), objects = objects + 1
    where bucket_id = new.bucket_id and is_counted;
end;

create trigger usage_without_an_object after delete on "storage.objects" begin
    update "storage.usage" set bytes = bytes - coalesce(old.metadata ->> 'size', 0), objects = objects - 1
    where bucket_id = old.bucket_id and is_counted;
end;

create trigger usage_of_a_changed_object after update of bucket_id, metadata on "storage.objects" begin
    update "storage.usage" set bytes = bytes - coalesce(old.metadata ->> 'size', 0), objects = objects - 1
    where bucket_id = old.bucket_id and is_counted;
    update "storage.usage" set bytes = bytes + coalesce(new.metadata ->> 'size', 0), objects = objects + 1
    where bucket_id = new.bucket_id and is_counted;
end;
