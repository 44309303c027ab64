-- A share that is republished as a database gives it its name.

ALTER TABLE databases ADD COLUMN name TEXT;
