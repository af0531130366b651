-- Equal files of an office are found by all three columns at once. With two indexes that each had two of them, PostgreSQL read
-- every object of an office that was not counted yet (ANALYZE) for each file that it took in.
CREATE INDEX blob_by_twin ON blob (dedupe, office, state);
DROP INDEX blob_by_dedupe;
