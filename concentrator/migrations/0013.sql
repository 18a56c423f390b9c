-- 0013.sql - water beside electricity.
--
-- medium of a meter life: 0 electricity, 1 water. Of a life of water all registers and quantities (its own,
-- those of its entries, quarantines and freezes) are litres, not Wh, and prices are per m3, not per kWh.
-- Every life of before counted electricity.

ALTER TABLE life ADD COLUMN medium INTEGER NOT NULL DEFAULT 0 CHECK (medium IN (0, 1));

CREATE TRIGGER life_medium BEFORE UPDATE OF medium ON life
WHEN NEW.medium <> OLD.medium AND EXISTS (SELECT 1 FROM entry WHERE life_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'a meter life keeps what it counts'); END;
