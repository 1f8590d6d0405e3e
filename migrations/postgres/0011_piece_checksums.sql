-- The checksum that the sender of a piece gave of it (`CRC32:AAAAAA==`); those of all make that of the whole.

alter table storage.pieces add column checksum text;
