-- 0011.sql - M7: since when at the earliest a meter life runs that was begun while the time was not known: the
-- greatest time that the ledger had from a trusted clock then.

CREATE TABLE life_floor (
	life_id INTEGER PRIMARY KEY REFERENCES life(id),
	not_before_s INTEGER NOT NULL CHECK (not_before_s > 0)
) STRICT;

CREATE TRIGGER life_floor_kept BEFORE DELETE ON life_floor
BEGIN SELECT RAISE(ABORT, 'the beginning of a meter life is kept'); END;
CREATE TRIGGER life_floor_fixed BEFORE UPDATE ON life_floor
BEGIN SELECT RAISE(ABORT, 'the beginning of a meter life is fixed'); END;
