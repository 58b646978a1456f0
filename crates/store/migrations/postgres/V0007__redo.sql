-- How far SQLite's redo log is in the database. It stays 0 here: PostgreSQL has a log of its own.
ALTER TABLE pulse ADD COLUMN applied BIGINT NOT NULL DEFAULT 0;
