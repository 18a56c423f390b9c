-- 0012.sql - what a recharge paid of debts, so that one that is taken back takes that back with it, once.

-- recharge: the order of the recharge, or 'cash:' and its receipt. by: the order that moved it: the recharge
-- itself pays, one that takes it back gives back. week: in which it was paid, as the debt counts them. entry_seq is
-- empty where the entry is from before a restore.
CREATE TABLE debt_payment (
	id INTEGER PRIMARY KEY,
	recharge TEXT NOT NULL CHECK (length(CAST(recharge AS BLOB)) BETWEEN 1 AND 64),
	by TEXT NOT NULL CHECK (length(CAST(by AS BLOB)) BETWEEN 1 AND 64),
	debt_id INTEGER NOT NULL REFERENCES debt(id),
	nano INTEGER NOT NULL CHECK (nano <> 0 AND (nano > 0) = (by = recharge)),
	week INTEGER NOT NULL,
	entry_seq INTEGER UNIQUE REFERENCES entry(seq),
	UNIQUE (by, debt_id)
) STRICT;
CREATE INDEX debt_payment_recharge ON debt_payment(recharge, id);
CREATE INDEX debt_payment_debt ON debt_payment(debt_id, nano);

-- Those of before; their weeks by UTC.
INSERT INTO debt_payment(recharge, by, debt_id, nano, week, entry_seq)
	SELECT r.order_id, r.order_id, CAST(substr(e.order_id, 6) AS INTEGER), -sum(e.amount_nano),
		(max(e.at_s) / 86400 + 3) / 7, max(e.seq)
	FROM entry e JOIN entry r ON r.seq = e.refers
	WHERE e.kind = 15 AND e.order_id LIKE 'debt:%' AND r.kind IN (2, 4)
	GROUP BY r.order_id, e.order_id HAVING sum(e.amount_nano) < 0 ORDER BY min(e.seq);

CREATE TRIGGER debt_payment_kept BEFORE DELETE ON debt_payment
BEGIN SELECT RAISE(ABORT, 'payments of debts are kept'); END;
CREATE TRIGGER debt_payment_fixed BEFORE UPDATE ON debt_payment
BEGIN SELECT RAISE(ABORT, 'payments of debts are fixed'); END;
CREATE TRIGGER debt_payment_back BEFORE INSERT ON debt_payment
WHEN NEW.nano < 0 AND NEW.nano + coalesce((SELECT sum(nano) FROM debt_payment
	WHERE recharge = NEW.recharge AND debt_id = NEW.debt_id), 0) < 0
BEGIN SELECT RAISE(ABORT, 'no more is given back than was paid'); END;

-- A debt shrinks; it grows by what is given back alone, and one that was paid is open again then.
DROP TRIGGER debt_fixed;
CREATE TRIGGER debt_fixed BEFORE UPDATE ON debt
WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.way <> OLD.way
	OR NEW.total_nano <> OLD.total_nano OR NEW.share_ppm <> OLD.share_ppm
	OR NEW.week_max_nano <> OLD.week_max_nano OR NEW.rate_nano <> OLD.rate_nano
	OR NEW.from_s <> OLD.from_s OR NEW.from_period <> OLD.from_period
	OR NEW.owner <> OLD.owner OR NEW.reason <> OLD.reason
	OR (NEW.left_nano > OLD.left_nano AND NEW.left_nano > NEW.total_nano
		- (SELECT coalesce(sum(nano), 0) FROM debt_payment WHERE debt_id = NEW.id))
	OR (OLD.ended_s IS NOT NULL AND (NEW.left_nano <= OLD.left_nano
		OR (OLD.ended_by <> 'paid' AND NEW.ended_s IS NOT OLD.ended_s)
		OR NEW.ended_by IS NOT iif(NEW.ended_s IS NULL, NULL, OLD.ended_by)))
BEGIN SELECT RAISE(ABORT, 'a debt shrinks, and is ended once'); END;
