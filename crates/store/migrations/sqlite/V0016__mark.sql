-- How many commits there were, and whether a process works on the database: what the mark beside it is compared with.
ALTER TABLE pulse ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pulse ADD COLUMN is_running INTEGER NOT NULL DEFAULT 0 CHECK (is_running IN (0, 1));
