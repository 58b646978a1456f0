-- Deliveries by app: what is due is claimed app by app, so that a receiver that is down is passed over whole.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (app_id, due_at, event_no) WHERE due_at IS NOT NULL;

-- What waits for somebody: held (1), exhausted (4), paused (5).
DROP INDEX deliveries_held;
CREATE INDEX deliveries_aside ON deliveries (app_id, state) WHERE state IN (1, 4, 5);

-- The tries made before it was resent last: the schedule begins anew after them.
ALTER TABLE deliveries ADD COLUMN tries_before BIGINT NOT NULL DEFAULT 0;

-- Since when an app's sink takes nothing; and since when and why nothing is sent to it.
ALTER TABLE apps ADD COLUMN failing_since BIGINT;
ALTER TABLE apps ADD COLUMN paused_at BIGINT;
ALTER TABLE apps ADD COLUMN pause_reason TEXT;

-- What somebody should look at. `ended_at` is null while it lasts.
CREATE TABLE alerts (
  alert_id BIGINT PRIMARY KEY,
  app_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX alerts_open ON alerts (app_id) WHERE ended_at IS NULL;
