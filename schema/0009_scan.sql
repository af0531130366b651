-- What an antivirus daemon said of a version: 'unchecked' (nobody asked it, or it did not answer), 'clean' or 'infected', and then
-- the name of what was found.
ALTER TABLE version ADD COLUMN scan TEXT NOT NULL DEFAULT 'unchecked' CHECK (scan IN ('unchecked', 'clean', 'infected'));
ALTER TABLE version ADD COLUMN scan_found TEXT NOT NULL DEFAULT '';
