-- What runs is made from the source and can be made again, so revisions name the source alone.

alter table "plinth.function_revisions" drop column code_sha256;
alter table "plinth.function_revisions" drop column code_len;
