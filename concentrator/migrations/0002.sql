-- 0002.sql - what the entries come to, kept so that open need not add them all up.
--
-- Derived and replaced as a whole; body is documented in ledger.md.

CREATE TABLE snapshot (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	seq INTEGER NOT NULL CHECK (seq >= 0),
	body BLOB NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;
