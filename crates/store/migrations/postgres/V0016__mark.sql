-- Used on SQLite alone, as `applied`: here the server keeps what was acknowledged.
ALTER TABLE pulse ADD COLUMN commits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pulse ADD COLUMN is_running BIGINT NOT NULL DEFAULT 0 CHECK (is_running IN (0, 1));
