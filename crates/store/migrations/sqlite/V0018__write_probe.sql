-- There is no redo log any more: each commit is the database's own, and counted here.
ALTER TABLE pulse RENAME TO write_probe;
ALTER TABLE write_probe RENAME COLUMN pulse_id TO probe_id;
ALTER TABLE write_probe DROP COLUMN beat;
ALTER TABLE write_probe DROP COLUMN applied;
