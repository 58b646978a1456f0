-- How far the redo log is in the database: the number of its newest batch whose rows stand here.
ALTER TABLE pulse ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;
