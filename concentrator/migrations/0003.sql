-- 0003.sql - M9: dated events, each done once.

-- day counts from 1970-01-01 by the building's clock. entry_seq is empty where nothing was taken: the room
-- was exempt that day, or a person waived it.
CREATE TABLE dated (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account(id),
	rule INTEGER NOT NULL CHECK (rule > 0),
	day INTEGER NOT NULL,
	opened_s INTEGER NOT NULL,
	entry_seq INTEGER UNIQUE REFERENCES entry(seq),
	by TEXT NOT NULL,
	UNIQUE (account_id, rule, day, opened_s)
) STRICT;
-- A standing charge is the day's, whoever lived there.
CREATE UNIQUE INDEX dated_standing ON dated(account_id, day) WHERE rule = 1;

CREATE TRIGGER dated_kept BEFORE DELETE ON dated
BEGIN SELECT RAISE(ABORT, 'dated events are kept'); END;
CREATE TRIGGER dated_fixed BEFORE UPDATE ON dated
BEGIN SELECT RAISE(ABORT, 'dated events are fixed'); END;
