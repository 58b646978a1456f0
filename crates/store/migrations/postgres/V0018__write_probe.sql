-- As on SQLite; here a probe alone moves the count.
ALTER TABLE pulse RENAME TO write_probe;
ALTER TABLE write_probe RENAME COLUMN pulse_id TO probe_id;
ALTER TABLE write_probe DROP COLUMN beat;
ALTER TABLE write_probe DROP COLUMN applied;
