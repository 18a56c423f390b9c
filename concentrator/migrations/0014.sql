-- 0014.sql - M7: a meter's own band registers, as they were read with the register up to which its energy is
-- settled: what they have moved since splits the next step. settled_wh is that register, unwrapped; where the life is
-- settled up to another one by now, they are of no use. doubted_s: when one was last found to count outside the hours
-- of its band; 0: never.
CREATE TABLE band_register (
	life_id INTEGER PRIMARY KEY REFERENCES life(id),
	settled_wh INTEGER NOT NULL,
	band_1 INTEGER NOT NULL CHECK (band_1 >= 0),
	band_2 INTEGER NOT NULL CHECK (band_2 >= 0),
	band_3 INTEGER NOT NULL CHECK (band_3 >= 0),
	band_4 INTEGER NOT NULL CHECK (band_4 >= 0),
	doubted_s INTEGER NOT NULL CHECK (doubted_s >= 0)
) STRICT;
