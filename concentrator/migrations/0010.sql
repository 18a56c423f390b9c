-- 0010.sql - what a restore from a checkpoint knows without entries of its own, and what a checkpoint
-- must tell again.

-- M3: receipts of cash that was taken before the restore, whose entries are in the ledger that is lost.
-- Their ids are negative: they come before all others.
CREATE TABLE cash_known (
	id INTEGER PRIMARY KEY CHECK (id < 0),
	receipt TEXT NOT NULL UNIQUE CHECK (length(CAST(receipt AS BLOB)) BETWEEN 1 AND 64),
	account_id INTEGER,
	amount_nano INTEGER NOT NULL CHECK (amount_nano > 0),
	day INTEGER NOT NULL,
	at_s INTEGER NOT NULL,
	uid INTEGER NOT NULL,
	who TEXT NOT NULL
) STRICT;

CREATE TRIGGER cash_known_kept BEFORE DELETE ON cash_known
BEGIN SELECT RAISE(ABORT, 'cash receipts are kept'); END;
CREATE TRIGGER cash_known_fixed BEFORE UPDATE ON cash_known
BEGIN SELECT RAISE(ABORT, 'cash receipts are fixed'); END;
CREATE TRIGGER cash_new BEFORE INSERT ON cash
WHEN EXISTS (SELECT 1 FROM cash_known WHERE receipt = NEW.receipt)
BEGIN SELECT RAISE(ABORT, 'that receipt was used before the restore'); END;

-- The same of subsidies that were granted by hand: order is 'subsidy:' and the receipt.
CREATE TABLE grant_known (
	id INTEGER PRIMARY KEY CHECK (id < 0),
	order_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER grant_known_kept BEFORE DELETE ON grant_known
BEGIN SELECT RAISE(ABORT, 'grants are kept'); END;
CREATE TRIGGER grant_known_fixed BEFORE UPDATE ON grant_known
BEGIN SELECT RAISE(ABORT, 'grants are fixed'); END;
CREATE TRIGGER grant_new BEFORE INSERT ON entry
WHEN NEW.kind = 2 AND EXISTS (SELECT 1 FROM grant_known WHERE order_id = NEW.order_id)
BEGIN SELECT RAISE(ABORT, 'that receipt was used before the restore'); END;

-- M7: what an account had used in the periods of its blocks and its allowance before the restore; flags as
-- an entry of a charge has them.
CREATE TABLE use_known (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account(id),
	since_s INTEGER NOT NULL,
	wh INTEGER NOT NULL CHECK (wh >= 0),
	flags INTEGER NOT NULL
) STRICT;

CREATE TRIGGER use_known_kept BEFORE DELETE ON use_known
BEGIN SELECT RAISE(ABORT, 'known use is kept'); END;
CREATE TRIGGER use_known_fixed BEFORE UPDATE ON use_known
BEGIN SELECT RAISE(ABORT, 'known use is fixed'); END;

-- Orders that a person decided after they were kept: checkpoints that named them before name them again.
CREATE TABLE order_decided (
	id INTEGER PRIMARY KEY,
	order_id INTEGER NOT NULL REFERENCES orders(id)
) STRICT;

CREATE TRIGGER orders_decided AFTER UPDATE ON orders
BEGIN INSERT INTO order_decided(order_id) VALUES (NEW.id); END;
CREATE TRIGGER order_decided_kept BEFORE DELETE ON order_decided
BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
CREATE TRIGGER order_decided_fixed BEFORE UPDATE ON order_decided
BEGIN SELECT RAISE(ABORT, 'decisions are fixed'); END;
