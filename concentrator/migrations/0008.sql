-- 0008.sql - which warning levels a room was told of: a bit for each, money below, days from the sixteenth on.

ALTER TABLE credit ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;
