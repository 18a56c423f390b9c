-- 0017.sql - what a tenant takes along into another room: when he first moved in, and what was spent toward the
-- minimum charge of the period that began at minimum_from_s; what was used in the periods of blocks and allowance,
-- flags as an entry of a charge has them.

CREATE TABLE stay (
	tenancy_id INTEGER PRIMARY KEY REFERENCES tenancy(id),
	opened_s INTEGER NOT NULL,
	minimum_from_s INTEGER NOT NULL,
	minimum_nano INTEGER NOT NULL
) STRICT;
CREATE TABLE stay_use (
	id INTEGER PRIMARY KEY,
	tenancy_id INTEGER NOT NULL REFERENCES stay(tenancy_id),
	since_s INTEGER NOT NULL,
	wh INTEGER NOT NULL CHECK (wh >= 0),
	flags INTEGER NOT NULL
) STRICT;

CREATE TRIGGER stay_kept BEFORE DELETE ON stay
BEGIN SELECT RAISE(ABORT, 'what a tenant took along is kept'); END;
CREATE TRIGGER stay_fixed BEFORE UPDATE ON stay
BEGIN SELECT RAISE(ABORT, 'what a tenant took along is fixed'); END;
CREATE TRIGGER stay_use_kept BEFORE DELETE ON stay_use
BEGIN SELECT RAISE(ABORT, 'what a tenant took along is kept'); END;
CREATE TRIGGER stay_use_fixed BEFORE UPDATE ON stay_use
BEGIN SELECT RAISE(ABORT, 'what a tenant took along is fixed'); END;
