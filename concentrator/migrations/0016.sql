-- 0016.sql - M2: meters that were not read when a tenancy began. What one counted up to its first reading behind
-- that is the house's: nobody can tell when it was used. It ends with the life's next entry behind after_seq (NULL:
-- with its first one).

CREATE TABLE unread (
	id INTEGER PRIMARY KEY,
	tenancy_id INTEGER NOT NULL REFERENCES tenancy(id),
	life_id INTEGER NOT NULL REFERENCES life(id),
	after_seq INTEGER REFERENCES entry(seq)
) STRICT;
CREATE INDEX unread_life ON unread(life_id);

CREATE TRIGGER unread_kept BEFORE DELETE ON unread
BEGIN SELECT RAISE(ABORT, 'meters that were not read are kept'); END;
CREATE TRIGGER unread_fixed BEFORE UPDATE ON unread
BEGIN SELECT RAISE(ABORT, 'meters that were not read are fixed'); END;
