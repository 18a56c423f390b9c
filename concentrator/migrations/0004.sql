-- 0004.sql - tax that is added: what each settlement cut off, for the next one to carry.

-- rest is in millionths of a nano.
CREATE TABLE tax (
	entry_seq INTEGER PRIMARY KEY REFERENCES entry(seq),
	account_id INTEGER NOT NULL REFERENCES account(id),
	rest INTEGER NOT NULL CHECK (rest BETWEEN 0 AND 999999)
) STRICT;
CREATE INDEX tax_account ON tax(account_id, entry_seq, rest);

CREATE TRIGGER tax_kept BEFORE DELETE ON tax
BEGIN SELECT RAISE(ABORT, 'the rest of a tax is kept'); END;
CREATE TRIGGER tax_fixed BEFORE UPDATE ON tax
BEGIN SELECT RAISE(ABORT, 'the rest of a tax is fixed'); END;
