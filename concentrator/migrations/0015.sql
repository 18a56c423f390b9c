-- 0015.sql - M7: where a tenancy begins among the entries. Those up to after_seq (NULL: there were none) were there
-- before it, also those of its very second: what is used begins anew behind them.

ALTER TABLE tenancy ADD COLUMN after_seq INTEGER REFERENCES entry(seq);

-- A room was settled in the second in which a tenancy began, before it.
UPDATE tenancy SET after_seq = (SELECT seq FROM entry WHERE account_id = tenancy.account_id
	AND at_trusted = 1 AND at_s <= tenancy.from_s ORDER BY seq DESC LIMIT 1) WHERE to_s IS NULL;
