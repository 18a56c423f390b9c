-- 0007.sql - how many live in a room: what an allowance gives per person.

CREATE TABLE persons (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account(id),
	from_s INTEGER NOT NULL,
	persons INTEGER NOT NULL CHECK (persons BETWEEN 0 AND 99),
	by TEXT NOT NULL
) STRICT;
CREATE INDEX persons_account ON persons(account_id, id);

CREATE TRIGGER persons_kept BEFORE DELETE ON persons
BEGIN SELECT RAISE(ABORT, 'how many lived there is kept'); END;
CREATE TRIGGER persons_fixed BEFORE UPDATE ON persons
BEGIN SELECT RAISE(ABORT, 'how many lived there is fixed'); END;
