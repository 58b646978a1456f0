-- Deliveries by app: what is due is claimed app by app, so that a receiver that is down is passed over whole.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (app_id, due_at) WHERE due_at IS NOT NULL;

-- What waits for somebody: held (1), exhausted (4), paused (5).
DROP INDEX deliveries_held;
CREATE INDEX deliveries_aside ON deliveries (app_id, state) WHERE state IN (1, 4, 5);

-- The tries made before it was resent last: the schedule begins anew after them.
ALTER TABLE deliveries ADD COLUMN tries_before INTEGER NOT NULL DEFAULT 0;

-- Since when an app's sink takes nothing; and since when and why nothing is sent to it.
ALTER TABLE apps ADD COLUMN failing_since INTEGER;
ALTER TABLE apps ADD COLUMN paused_at INTEGER;
ALTER TABLE apps ADD COLUMN pause_reason TEXT;

-- What somebody should look at. `ended_at` is null while it lasts.
CREATE TABLE alerts (
  alert_id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX alerts_open ON alerts (app_id) WHERE ended_at IS NULL;

-- Tries lie in the order in which they were made: keyed by their event, a large row took a page of its own.
ALTER TABLE attempts RENAME TO attempts_by_key;
CREATE TABLE attempts (
  tenant_id INTEGER NOT NULL,
  event_no INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  http_status INTEGER,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX attempts_by_event ON attempts (event_no, attempt);
INSERT INTO attempts (tenant_id, event_no, attempt, at, took_ms, outcome, http_status, sealed)
  SELECT tenant_id, event_no, attempt, at, took_ms, outcome, http_status, sealed FROM attempts_by_key
  ORDER BY at, event_no, attempt;
DROP TABLE attempts_by_key;
