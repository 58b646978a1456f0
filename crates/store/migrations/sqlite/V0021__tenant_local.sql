-- As on PostgreSQL, where tables of tenants can be distributed by their `tenant_id`.

-- The tenant of the caller; 0 is the operator.
CREATE TABLE idempotency_of_tenants (
  tenant_id INTEGER NOT NULL DEFAULT 0,
  actor_id INTEGER NOT NULL,
  key_digest BLOB NOT NULL,
  request_digest BLOB NOT NULL,
  order_id INTEGER,
  http_status INTEGER NOT NULL,
  sealed BLOB,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (actor_id, key_digest, tenant_id)
) WITHOUT ROWID, STRICT;
INSERT INTO idempotency_of_tenants (tenant_id, actor_id, key_digest, request_digest, order_id, http_status, sealed, created_at)
  SELECT coalesce((SELECT max(k.tenant_id) FROM api_keys k WHERE k.key_id = i.actor_id), 0), i.actor_id, i.key_digest,
    i.request_digest, i.order_id, i.http_status, i.sealed, i.created_at
  FROM idempotency i;
DROP TABLE idempotency;
ALTER TABLE idempotency_of_tenants RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (tenant_id, created_at);

DROP INDEX report_versions_by_object;
CREATE UNIQUE INDEX report_versions_by_object ON report_versions (object_id, tenant_id);

-- What is set aside is released tenant by tenant.
DROP INDEX deliveries_aside;
CREATE INDEX deliveries_aside ON deliveries (app_id, tenant_id, state) WHERE state IN (1, 4, 5);

DROP INDEX attempts_by_event;
CREATE UNIQUE INDEX attempts_by_event ON attempts (event_no, attempt, tenant_id);
