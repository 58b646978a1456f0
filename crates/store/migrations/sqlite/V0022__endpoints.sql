-- A delivery is the way of one event to one endpoint, and each has its own state and tries. So far an endpoint is an app,
-- and has the app's id; ids of other kinds are of the same space.
CREATE TABLE deliveries_by_endpoint (
  tenant_id INTEGER NOT NULL,
  event_no INTEGER NOT NULL,
  endpoint_id INTEGER NOT NULL,
  order_id INTEGER,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER,
  finished_at INTEGER,
  tries_before INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (event_no, endpoint_id, tenant_id)
) WITHOUT ROWID, STRICT;
INSERT INTO deliveries_by_endpoint
  (tenant_id, event_no, endpoint_id, order_id, state, attempts, due_at, finished_at, tries_before)
  SELECT tenant_id, event_no, app_id, order_id, state, attempts, due_at, finished_at, tries_before
  FROM deliveries ORDER BY event_no;
DROP TABLE deliveries;
ALTER TABLE deliveries_by_endpoint RENAME TO deliveries;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at, event_no) WHERE due_at IS NOT NULL;
-- What waits for somebody: held (1), exhausted (4), paused (5).
CREATE INDEX deliveries_aside ON deliveries (endpoint_id, tenant_id, state) WHERE state IN (1, 4, 5);

ALTER TABLE attempts ADD COLUMN endpoint_id INTEGER NOT NULL DEFAULT 0;
UPDATE attempts SET endpoint_id =
  coalesce((SELECT d.endpoint_id FROM deliveries d WHERE d.event_no = attempts.event_no), 0);
DROP INDEX attempts_by_event;
CREATE UNIQUE INDEX attempts_by_event ON attempts (event_no, endpoint_id, attempt, tenant_id);
