-- Whether a page of the version holds what is by its form a NIK or a KK number: the one fact, never the numbers. NULL where nobody
-- knows: it is not read, a part of it was left out, or a program read it that did not look. Records hold rows as they are, so that it
-- comes back from the bucket with them.
ALTER TABLE version ADD COLUMN personal_data BOOLEAN;
