-- Queues: due reports of one app and one host, so that a slow host holds up nobody else's. 0 is not placed yet: the worker
-- opens the sealed address and places the report. `link_ends_at` is when the address says that it ends; `needed_bytes` is
-- what the content needs at least, as far as a try found out.
ALTER TABLE reports ADD COLUMN app_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN queue_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN link_ends_at INTEGER;
ALTER TABLE reports ADD COLUMN needed_bytes INTEGER NOT NULL DEFAULT 1;
CREATE INDEX reports_by_queue ON reports (queue_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reports_ending ON reports (queue_id, link_ends_at) WHERE due_at IS NOT NULL;

-- What is stored: of a tenant (`app_id` 0: its reports and files), and of an app in all tenants (`tenant_id` 0: its
-- reports). Without a quota of its own the installation's counts.
CREATE TABLE storage_use (
  tenant_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL,
  quota_bytes INTEGER,
  PRIMARY KEY (tenant_id, app_id)
) WITHOUT ROWID, STRICT;
INSERT INTO storage_use (tenant_id, app_id, used_bytes)
  SELECT tenant_id, 0, sum(size_bytes) FROM (
    SELECT tenant_id, size_bytes FROM report_versions WHERE length(wrapped_key) > 0
    UNION ALL SELECT tenant_id, size_bytes FROM files) AS kept GROUP BY tenant_id;
INSERT INTO storage_use (tenant_id, app_id, used_bytes)
  SELECT 0, o.app_id, sum(v.size_bytes) FROM report_versions v
    JOIN orders o ON o.tenant_id = v.tenant_id AND o.order_id = v.order_id
    WHERE length(v.wrapped_key) > 0 GROUP BY o.app_id;

-- Alerts that tell of a tenant, or of the whole installation: then `app_id` is 0.
ALTER TABLE alerts ADD COLUMN tenant_id INTEGER;
