-- 0009.sql - what every circuit's register stood at when a local day and a month ended.
--
-- day: the last day of the period, counted from 1970-01-01 by the building's calendar. total_wh: used at
-- the point since it was commissioned, whatever meters it had. Old days are dropped, in the order of the key.

CREATE TABLE freeze (
	monthly INTEGER NOT NULL CHECK (monthly IN (0, 1)),
	day INTEGER NOT NULL,
	supply_id INTEGER NOT NULL REFERENCES supply(id),
	at_s INTEGER NOT NULL,
	read_s INTEGER,
	register_wh INTEGER NOT NULL,
	total_wh INTEGER NOT NULL CHECK (total_wh >= 0),
	from_s INTEGER NOT NULL,
	energy_wh INTEGER NOT NULL CHECK (energy_wh >= 0),
	balance_nano INTEGER NOT NULL,
	entry_seq INTEGER NOT NULL,
	PRIMARY KEY (monthly, day, supply_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER freeze_fixed BEFORE UPDATE ON freeze
BEGIN SELECT RAISE(ABORT, 'a freeze stays as it was'); END;
