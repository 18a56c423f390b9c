-- 0006.sql - debts: what a tenant owes beside the balance, and the periods in which it was taken.
--
-- What was taken is in the entries of kind debt, whose order is 'debt:' and the id.

CREATE TABLE debt (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account(id),
	name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),
	way INTEGER NOT NULL CHECK (way > 0),
	total_nano INTEGER NOT NULL CHECK (total_nano > 0),
	share_ppm INTEGER NOT NULL CHECK (share_ppm BETWEEN 0 AND 1000000),
	week_max_nano INTEGER NOT NULL CHECK (week_max_nano >= 0),
	rate_nano INTEGER NOT NULL CHECK (rate_nano >= 0),
	from_s INTEGER NOT NULL,
	from_period INTEGER NOT NULL,
	owner TEXT NOT NULL,
	reason TEXT NOT NULL,
	left_nano INTEGER NOT NULL CHECK (left_nano BETWEEN 0 AND total_nano),
	due_nano INTEGER NOT NULL CHECK (due_nano BETWEEN 0 AND left_nano),
	week INTEGER NOT NULL,
	week_nano INTEGER NOT NULL CHECK (week_nano >= 0),
	ended_s INTEGER,
	ended_by TEXT,
	CHECK ((ended_s IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX debt_account ON debt(account_id) WHERE ended_s IS NULL;

CREATE TRIGGER debt_kept BEFORE DELETE ON debt
BEGIN SELECT RAISE(ABORT, 'debts are ended, never deleted'); END;
CREATE TRIGGER debt_fixed BEFORE UPDATE ON debt
WHEN OLD.ended_s IS NOT NULL OR NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.way <> OLD.way
	OR NEW.total_nano <> OLD.total_nano OR NEW.share_ppm <> OLD.share_ppm
	OR NEW.week_max_nano <> OLD.week_max_nano OR NEW.rate_nano <> OLD.rate_nano
	OR NEW.from_s <> OLD.from_s OR NEW.from_period <> OLD.from_period
	OR NEW.owner <> OLD.owner OR NEW.reason <> OLD.reason
	OR NEW.left_nano > OLD.left_nano
BEGIN SELECT RAISE(ABORT, 'a debt shrinks, and is ended once'); END;

-- M9: once for each period, for ever.
CREATE TABLE debt_period (
	debt_id INTEGER NOT NULL REFERENCES debt(id),
	period INTEGER NOT NULL,
	PRIMARY KEY (debt_id, period)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER debt_period_kept BEFORE DELETE ON debt_period
BEGIN SELECT RAISE(ABORT, 'the periods of a debt are kept'); END;
CREATE TRIGGER debt_period_fixed BEFORE UPDATE ON debt_period
BEGIN SELECT RAISE(ABORT, 'the periods of a debt are fixed'); END;
