-- Which recovery recipient an object names: it counts up each time the recipient is changed. Objects of a former one are
-- copied under a new header by a job; until then the former identity opens them.
ALTER TABLE blob ADD COLUMN recovery BIGINT NOT NULL DEFAULT 1;
ALTER TABLE derivation ADD COLUMN recovery BIGINT NOT NULL DEFAULT 1;
CREATE INDEX blob_by_recovery ON blob (recovery);
CREATE INDEX derivation_by_recovery ON derivation (recovery);
