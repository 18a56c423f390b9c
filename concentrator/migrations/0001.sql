-- 0001.sql - the first shape of the ledger.
--
-- Units are in the names: _s Unix UTC, _us CLOCK_BOOTTIME, _wh watt-hours, _nano billionths of the
-- currency. NULL is "none"; the programs say 0 or an empty text. Triggers keep what must never change
-- (M5); with recursive_triggers on they also see the delete inside INSERT OR REPLACE.

CREATE TABLE meta (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	site TEXT NOT NULL CHECK (length(site) > 0),
	epoch INTEGER NOT NULL CHECK (epoch >= 1),
	created_s INTEGER NOT NULL,
	genesis BLOB NOT NULL CHECK (length(genesis) = 32)
) STRICT;

CREATE TRIGGER meta_kept BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'meta is kept'); END;
CREATE TRIGGER meta_fixed BEFORE UPDATE ON meta
WHEN NEW.id <> OLD.id OR NEW.site <> OLD.site OR NEW.created_s <> OLD.created_s
	OR NEW.genesis <> OLD.genesis OR NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'meta is fixed'); END;

CREATE TABLE cursor (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

-- Rooms, accounts, supplies, meters. Rows are closed, never deleted.

CREATE TABLE room (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 32),
	opened_s INTEGER NOT NULL,
	closed_s INTEGER
) STRICT;
CREATE UNIQUE INDEX room_name ON room(name) WHERE closed_s IS NULL;

CREATE TABLE account (
	id INTEGER PRIMARY KEY,
	room_id INTEGER NOT NULL REFERENCES room(id),
	opened_s INTEGER NOT NULL,
	closed_s INTEGER
) STRICT;
CREATE UNIQUE INDEX account_room ON account(room_id) WHERE closed_s IS NULL;
CREATE INDEX account_rooms ON account(room_id, id);

CREATE TABLE tenancy (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),
	account_id INTEGER NOT NULL REFERENCES account(id),
	from_s INTEGER NOT NULL,
	to_s INTEGER
) STRICT;
CREATE UNIQUE INDEX tenancy_account ON tenancy(account_id) WHERE to_s IS NULL;
CREATE INDEX tenancy_accounts ON tenancy(account_id);

CREATE TABLE point (
	id INTEGER PRIMARY KEY,
	line TEXT NOT NULL,
	address INTEGER NOT NULL CHECK (address BETWEEN 1 AND 247),
	channel INTEGER NOT NULL CHECK (channel BETWEEN 1 AND 255),
	model TEXT NOT NULL,
	closed_s INTEGER
) STRICT;
CREATE UNIQUE INDEX point_place ON point(line, address, channel) WHERE closed_s IS NULL;

CREATE TABLE supply (
	id INTEGER PRIMARY KEY,
	room_id INTEGER NOT NULL REFERENCES room(id),
	circuit TEXT NOT NULL CHECK (length(CAST(circuit AS BLOB)) BETWEEN 1 AND 32),
	point_id INTEGER REFERENCES point(id),
	relay_line TEXT,
	relay_address INTEGER CHECK (relay_address BETWEEN 1 AND 247),
	relay_channel INTEGER CHECK (relay_channel BETWEEN 1 AND 255),
	relay_model TEXT,
	normally_closed INTEGER NOT NULL CHECK (normally_closed IN (0, 1)),
	may_cut INTEGER NOT NULL CHECK (may_cut IN (0, 1)),
	cut_order INTEGER NOT NULL CHECK (cut_order BETWEEN 1 AND 9),
	breaker_a INTEGER NOT NULL CHECK (breaker_a BETWEEN 1 AND 10000),
	closed_s INTEGER,
	CHECK ((relay_line IS NULL) = (relay_address IS NULL)
		AND (relay_line IS NULL) = (relay_channel IS NULL)
		AND (relay_line IS NULL) = (relay_model IS NULL))
) STRICT;
CREATE UNIQUE INDEX supply_circuit ON supply(room_id, circuit) WHERE closed_s IS NULL;
CREATE UNIQUE INDEX supply_point ON supply(point_id) WHERE closed_s IS NULL;
CREATE INDEX supply_points ON supply(point_id);
CREATE UNIQUE INDEX supply_relay ON supply(relay_line, relay_address, relay_channel)
	WHERE closed_s IS NULL;

CREATE TABLE life (
	id INTEGER PRIMARY KEY,
	point_id INTEGER NOT NULL REFERENCES point(id),
	serial TEXT,
	first_wh INTEGER NOT NULL CHECK (first_wh >= 0),
	offset_wh INTEGER NOT NULL CHECK (offset_wh >= 0),
	started_s INTEGER NOT NULL,
	ended_s INTEGER
) STRICT;
CREATE UNIQUE INDEX life_point ON life(point_id) WHERE ended_s IS NULL;
CREATE INDEX life_points ON life(point_id, id);

CREATE TRIGGER room_kept BEFORE DELETE ON room
BEGIN SELECT RAISE(ABORT, 'rooms are closed, never deleted'); END;
CREATE TRIGGER account_kept BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'accounts are closed, never deleted'); END;
CREATE TRIGGER tenancy_kept BEFORE DELETE ON tenancy
BEGIN SELECT RAISE(ABORT, 'tenancies are ended, never deleted'); END;
CREATE TRIGGER point_kept BEFORE DELETE ON point
BEGIN SELECT RAISE(ABORT, 'points are closed, never deleted'); END;
CREATE TRIGGER supply_kept BEFORE DELETE ON supply
BEGIN SELECT RAISE(ABORT, 'supplies are closed, never deleted'); END;
CREATE TRIGGER life_kept BEFORE DELETE ON life
BEGIN SELECT RAISE(ABORT, 'meter lives are ended, never deleted'); END;
CREATE TRIGGER life_fixed BEFORE UPDATE ON life
WHEN NEW.id <> OLD.id OR NEW.point_id <> OLD.point_id OR NEW.first_wh <> OLD.first_wh
	OR NEW.offset_wh < OLD.offset_wh OR NEW.started_s <> OLD.started_s
	OR OLD.ended_s IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a meter life keeps its first register'); END;

-- Prices and keys.

CREATE TABLE tariff (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	activation_s INTEGER NOT NULL,
	text TEXT NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	applied_by TEXT NOT NULL,
	applied_s INTEGER NOT NULL,
	UNIQUE (sha256, activation_s)
) STRICT;

CREATE TRIGGER tariff_kept BEFORE DELETE ON tariff
BEGIN SELECT RAISE(ABORT, 'tariffs are kept'); END;
CREATE TRIGGER tariff_fixed BEFORE UPDATE ON tariff
BEGIN SELECT RAISE(ABORT, 'tariffs are fixed'); END;

CREATE TABLE keyset (
	version INTEGER PRIMARY KEY CHECK (version > 0),
	accepted_s INTEGER NOT NULL
) STRICT;

CREATE TABLE key (
	version INTEGER NOT NULL REFERENCES keyset(version),
	kid TEXT NOT NULL CHECK (length(CAST(kid AS BLOB)) BETWEEN 1 AND 64),
	public_key BLOB NOT NULL CHECK (length(public_key) = 32),
	use TEXT NOT NULL,
	from_s INTEGER NOT NULL,
	to_s INTEGER NOT NULL,
	order_max_nano INTEGER NOT NULL CHECK (order_max_nano >= 0),
	room_day_max_nano INTEGER NOT NULL CHECK (room_day_max_nano >= 0),
	day_max_nano INTEGER NOT NULL CHECK (day_max_nano >= 0),
	PRIMARY KEY (version, kid)
) STRICT;

CREATE TRIGGER keyset_kept BEFORE DELETE ON keyset
BEGIN SELECT RAISE(ABORT, 'key sets are kept'); END;
CREATE TRIGGER keyset_fixed BEFORE UPDATE ON keyset
BEGIN SELECT RAISE(ABORT, 'key sets are fixed'); END;
CREATE TRIGGER keyset_forward BEFORE INSERT ON keyset
WHEN NEW.version <= (SELECT max(version) FROM keyset)
BEGIN SELECT RAISE(ABORT, 'key sets go forward only'); END;
CREATE TRIGGER key_kept BEFORE DELETE ON key
BEGIN SELECT RAISE(ABORT, 'keys are kept'); END;
CREATE TRIGGER key_fixed BEFORE UPDATE ON key
BEGIN SELECT RAISE(ABORT, 'keys are fixed'); END;

-- M1, M2, M5, M8: the entries. balance_nano is the account's balance just after the entry: derived,
-- checked by verify, not hashed.

CREATE TABLE entry (
	seq INTEGER PRIMARY KEY CHECK (seq > 0),
	format INTEGER NOT NULL CHECK (format > 0),
	kind INTEGER NOT NULL CHECK (kind > 0),
	account_id INTEGER NOT NULL REFERENCES account(id),
	point_id INTEGER REFERENCES point(id),
	life_id INTEGER REFERENCES life(id),
	at_s INTEGER NOT NULL,
	at_trusted INTEGER NOT NULL CHECK (at_trusted IN (0, 1)),
	at_us INTEGER NOT NULL,
	boot TEXT NOT NULL,
	amount_nano INTEGER NOT NULL,
	energy_wh INTEGER NOT NULL CHECK (energy_wh >= 0),
	from_wh INTEGER NOT NULL,
	to_wh INTEGER NOT NULL,
	from_s INTEGER NOT NULL,
	to_s INTEGER NOT NULL,
	price_micro_per_kwh INTEGER NOT NULL,
	tariff_id INTEGER REFERENCES tariff(id),
	flags INTEGER NOT NULL,
	refers INTEGER REFERENCES entry(seq),
	order_id TEXT,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	balance_nano INTEGER NOT NULL,
	previous BLOB NOT NULL CHECK (length(previous) = 32),
	hash BLOB NOT NULL CHECK (length(hash) = 32),
	CHECK (CASE WHEN life_id IS NULL THEN energy_wh = 0 AND from_wh = to_wh
		ELSE kind IN (5, 6, 7, 8) AND to_wh - from_wh = energy_wh AND point_id IS NOT NULL END),
	CHECK (kind NOT IN (2, 3, 4) OR order_id IS NOT NULL)
) STRICT;
CREATE INDEX entry_account ON entry(account_id, seq, amount_nano, balance_nano);
CREATE INDEX entry_life ON entry(life_id, seq, kind, energy_wh, from_wh, to_wh, to_s)
	WHERE life_id IS NOT NULL;
-- M3, a second time: recharge, reversal and cash credit one order or receipt once.
CREATE UNIQUE INDEX entry_order ON entry(order_id) WHERE kind IN (2, 3, 4);

CREATE TRIGGER entry_kept BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are kept'); END;
CREATE TRIGGER entry_fixed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are fixed'); END;
CREATE TRIGGER entry_next BEFORE INSERT ON entry
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entry)
	OR NEW.previous <> coalesce((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1),
		(SELECT genesis FROM meta))
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END;

-- M3: orders and receipts, for ever.

CREATE TABLE orders (
	id INTEGER PRIMARY KEY,
	mrid TEXT NOT NULL UNIQUE CHECK (length(CAST(mrid AS BLOB)) BETWEEN 1 AND 64),
	type TEXT NOT NULL,
	kid TEXT NOT NULL,
	payload BLOB NOT NULL,
	signature BLOB NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	result TEXT NOT NULL CHECK (length(result) > 0),
	detail TEXT NOT NULL,
	receipt TEXT,
	account_id INTEGER REFERENCES account(id),
	amount_nano INTEGER NOT NULL,
	entry_seq INTEGER REFERENCES entry(seq),
	day INTEGER NOT NULL,
	received_s INTEGER NOT NULL,
	received_trusted INTEGER NOT NULL CHECK (received_trusted IN (0, 1))
) STRICT;
CREATE INDEX orders_account ON orders(account_id, id);
CREATE INDEX orders_day ON orders(day, account_id, amount_nano) WHERE result = 'applied';

CREATE TRIGGER orders_kept BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;
CREATE TRIGGER orders_fixed BEFORE UPDATE ON orders
WHEN OLD.result <> 'quarantined' OR NEW.result = 'quarantined' OR NEW.id <> OLD.id
	OR NEW.mrid <> OLD.mrid OR NEW.type <> OLD.type OR NEW.kid <> OLD.kid
	OR NEW.payload <> OLD.payload OR NEW.signature <> OLD.signature
	OR NEW.sha256 <> OLD.sha256 OR NEW.amount_nano <> OLD.amount_nano
	OR NEW.received_s <> OLD.received_s OR NEW.received_trusted <> OLD.received_trusted
BEGIN SELECT RAISE(ABORT, 'only a quarantined order is decided, once'); END;

CREATE TABLE refused (
	id INTEGER PRIMARY KEY,
	mrid TEXT NOT NULL,
	type TEXT NOT NULL,
	kid TEXT NOT NULL,
	payload BLOB NOT NULL,
	signature BLOB NOT NULL,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	reason TEXT NOT NULL,
	received_s INTEGER NOT NULL
) STRICT;

CREATE TRIGGER refused_kept BEFORE DELETE ON refused
BEGIN SELECT RAISE(ABORT, 'refused orders are kept'); END;
CREATE TRIGGER refused_fixed BEFORE UPDATE ON refused
BEGIN SELECT RAISE(ABORT, 'refused orders are fixed'); END;

CREATE TABLE cash (
	id INTEGER PRIMARY KEY,
	receipt TEXT NOT NULL UNIQUE CHECK (length(CAST(receipt AS BLOB)) BETWEEN 1 AND 64),
	account_id INTEGER NOT NULL REFERENCES account(id),
	amount_nano INTEGER NOT NULL CHECK (amount_nano > 0),
	entry_seq INTEGER NOT NULL UNIQUE REFERENCES entry(seq),
	day INTEGER NOT NULL,
	at_s INTEGER NOT NULL,
	uid INTEGER NOT NULL,
	who TEXT NOT NULL
) STRICT;
CREATE INDEX cash_day ON cash(day, amount_nano);

CREATE TRIGGER cash_kept BEFORE DELETE ON cash
BEGIN SELECT RAISE(ABORT, 'cash receipts are kept'); END;
CREATE TRIGGER cash_fixed BEFORE UPDATE ON cash
BEGIN SELECT RAISE(ABORT, 'cash receipts are fixed'); END;

-- The outbox is a cursor over the events; the audit says who did what and why.

CREATE TABLE event (
	seq INTEGER PRIMARY KEY CHECK (seq > 0),
	epoch INTEGER NOT NULL,
	lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
	type TEXT NOT NULL CHECK (length(type) > 0),
	at_s INTEGER NOT NULL,
	trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	body TEXT NOT NULL
) STRICT;
CREATE INDEX event_lane ON event(lane, seq);

CREATE TRIGGER event_kept BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are kept'); END;
CREATE TRIGGER event_fixed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are fixed'); END;
CREATE TRIGGER event_next BEFORE INSERT ON event
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM event)
	OR NEW.epoch <> (SELECT epoch FROM meta)
BEGIN SELECT RAISE(ABORT, 'an event follows the last one'); END;

CREATE TABLE outbox (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	through INTEGER NOT NULL CHECK (through >= 0)
) STRICT;
INSERT INTO outbox(id, through) VALUES (1, 0);

CREATE TABLE event_refused (
	seq INTEGER PRIMARY KEY REFERENCES event(seq),
	status INTEGER NOT NULL,
	detail TEXT NOT NULL,
	at_s INTEGER NOT NULL
) STRICT;

CREATE TRIGGER event_refused_kept BEFORE DELETE ON event_refused
BEGIN SELECT RAISE(ABORT, 'refused events are kept'); END;

CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at_s INTEGER NOT NULL,
	trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	uid INTEGER NOT NULL,
	who TEXT NOT NULL,
	verb TEXT NOT NULL CHECK (length(verb) > 0),
	what TEXT NOT NULL,
	why TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is kept'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is fixed'); END;

-- What must be known about supplies after a restart (S1, S2, S3, S5). Ordinary state, replaced.

CREATE TABLE wish (
	supply_id INTEGER NOT NULL REFERENCES supply(id),
	layer INTEGER NOT NULL CHECK (layer BETWEEN 0 AND 63),
	position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 15),
	uid INTEGER NOT NULL,
	owner TEXT NOT NULL,
	reason TEXT NOT NULL,
	at_s INTEGER NOT NULL,
	trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	until_s INTEGER,
	PRIMARY KEY (supply_id, layer)
) STRICT, WITHOUT ROWID;

CREATE TABLE relay (
	supply_id INTEGER PRIMARY KEY REFERENCES supply(id),
	commanded INTEGER NOT NULL CHECK (commanded BETWEEN 0 AND 15),
	layer INTEGER NOT NULL CHECK (layer BETWEEN 0 AND 63),
	at_s INTEGER NOT NULL,
	trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	armed INTEGER NOT NULL CHECK (armed IN (0, 1)),
	proven INTEGER NOT NULL CHECK (proven IN (0, 1))
) STRICT;

CREATE TABLE money (
	account_id INTEGER PRIMARY KEY REFERENCES account(id),
	low INTEGER NOT NULL CHECK (low IN (0, 1)),
	noticed INTEGER NOT NULL CHECK (noticed IN (0, 1)),
	notice_run_us INTEGER NOT NULL,
	notice_wait_us INTEGER NOT NULL,
	notice_nano INTEGER NOT NULL,
	hold INTEGER NOT NULL CHECK (hold BETWEEN 0 AND 15),
	hold_run_us INTEGER NOT NULL,
	hold_from_nano INTEGER NOT NULL,
	hold_begun INTEGER NOT NULL CHECK (hold_begun IN (0, 1)),
	hold_spent INTEGER NOT NULL CHECK (hold_spent IN (0, 1)),
	cut INTEGER NOT NULL CHECK (cut IN (0, 1)),
	cut_run_us INTEGER NOT NULL
) STRICT;

-- S1: a dispute keeps the supply on. Of an account one is open at a time.

CREATE TABLE hold (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account(id),
	uid INTEGER NOT NULL,
	owner TEXT NOT NULL,
	reason TEXT NOT NULL,
	from_s INTEGER NOT NULL,
	until_s INTEGER NOT NULL,
	ended_s INTEGER,
	ended_by TEXT,
	CHECK ((ended_s IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX hold_account ON hold(account_id) WHERE ended_s IS NULL;

CREATE TRIGGER hold_kept BEFORE DELETE ON hold
BEGIN SELECT RAISE(ABORT, 'holds are ended, never deleted'); END;
CREATE TRIGGER hold_fixed BEFORE UPDATE ON hold
WHEN OLD.ended_s IS NOT NULL OR NEW.id <> OLD.id OR NEW.account_id <> OLD.account_id
	OR NEW.owner <> OLD.owner OR NEW.reason <> OLD.reason OR NEW.from_s <> OLD.from_s
	OR NEW.until_s <> OLD.until_s
BEGIN SELECT RAISE(ABORT, 'a hold is ended, once'); END;

-- M6: readings that were not believed.

CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,
	supply_id INTEGER NOT NULL REFERENCES supply(id),
	life_id INTEGER NOT NULL REFERENCES life(id),
	reason TEXT NOT NULL,
	baseline_wh INTEGER NOT NULL,
	reading_wh INTEGER NOT NULL,
	opened_s INTEGER NOT NULL,
	opened_trusted INTEGER NOT NULL CHECK (opened_trusted IN (0, 1)),
	closed_s INTEGER,
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
	decided_by TEXT NOT NULL,
	CHECK ((closed_s IS NULL) = (state = 0))
) STRICT;
CREATE UNIQUE INDEX quarantine_open ON quarantine(supply_id) WHERE state = 0;
CREATE INDEX quarantine_pending ON quarantine(id) WHERE state = 0;

CREATE TRIGGER quarantine_kept BEFORE DELETE ON quarantine
BEGIN SELECT RAISE(ABORT, 'quarantines are kept'); END;
CREATE TRIGGER quarantine_fixed BEFORE UPDATE ON quarantine
WHEN OLD.state <> 0 OR NEW.state = 0 OR NEW.id <> OLD.id OR NEW.supply_id <> OLD.supply_id
	OR NEW.life_id <> OLD.life_id OR NEW.reason <> OLD.reason
	OR NEW.baseline_wh <> OLD.baseline_wh OR NEW.reading_wh <> OLD.reading_wh
	OR NEW.opened_s <> OLD.opened_s
BEGIN SELECT RAISE(ABORT, 'an open quarantine is decided, once'); END;
