-- Where the source of each revision is in the blob store. A key is made for one upload and, once nothing refers to it, never used again.
alter table plinth.function_revisions add column source_key text not null default '';
update plinth.function_revisions set source_key = 'functions/' || source_sha256;

-- Sources that are stored for revisions which are still to be made.
create table plinth.function_uploads (
    source_key text primary key
);
