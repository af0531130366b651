-- Records are copied to the mirror as originals are: without them the mirror alone could not give the archive back.
ALTER TABLE record_object ADD COLUMN mirrored_at BIGINT;

-- How many documents were destroyed, and how many of them no record names any more: the others' keys and titles stay in
-- former records until the next full one.
ALTER TABLE record_head ADD COLUMN destroyed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE record_head ADD COLUMN forgotten BIGINT NOT NULL DEFAULT 0;
