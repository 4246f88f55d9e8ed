-- Full text search (XEP-0431) is a table that is made when `storage.full_text` is on. (In PostgreSQL
-- it is a column.)
SELECT 1;
