-- The words of a body, for full text search (XEP-0431); none while `storage.full_text` is off. The
-- index on them is made when it is on.
ALTER TABLE message ADD COLUMN words tsvector;
