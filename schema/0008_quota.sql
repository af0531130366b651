-- How many bytes of originals an office may keep; NULL where the configuration alone says it.
ALTER TABLE office ADD COLUMN quota BIGINT;

-- What an office keeps is added up from this index alone.
CREATE INDEX blob_by_office ON blob (office, state, plain_size);
