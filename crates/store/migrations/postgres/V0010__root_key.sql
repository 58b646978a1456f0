-- Which root key wraps the keys, told by the start of a keyed hash of it, and how often it was changed: whoever wraps a
-- key says under which generation, so that none is wrapped under a root key of before.
ALTER TABLE installation ADD COLUMN root_generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN root_key_id TEXT;

-- The check of the objects asks for a file by the name of its object alone.
CREATE INDEX files_by_id ON files (file_id);
