-- 0005.sql - what a balance is made of, and the lines below it.
--
-- Ordinary state, replaced. allowance_nano and subsidy_nano follow from the entries up to through_seq: they
-- are kept so that a start adds up the newest entries alone.

CREATE TABLE credit (
	account_id INTEGER PRIMARY KEY REFERENCES account(id),
	through_seq INTEGER NOT NULL CHECK (through_seq >= 0),
	allowance_nano INTEGER NOT NULL CHECK (allowance_nano >= 0),
	subsidy_nano INTEGER NOT NULL CHECK (subsidy_nano >= 0),
	overdraft_nano INTEGER CHECK (overdraft_nano >= 0),
	emergency INTEGER NOT NULL CHECK (emergency BETWEEN 0 AND 2),
	emergency_used INTEGER NOT NULL CHECK (emergency_used IN (0, 1)),
	emergency_s INTEGER NOT NULL
) STRICT;

-- Entries of before have no type: all of it is paid.
INSERT INTO credit SELECT id, coalesce((SELECT max(seq) FROM entry), 0), 0, 0, NULL, 0, 0, 0 FROM account;
