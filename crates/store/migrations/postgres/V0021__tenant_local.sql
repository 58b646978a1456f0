-- Every table of tenants has its `tenant_id` in the primary key and in each unique index, so that it can be distributed by it.

-- The tenant of the caller; 0 is the operator, and what a program of the version before wrote.
ALTER TABLE idempotency ADD COLUMN tenant_id BIGINT NOT NULL DEFAULT 0;
UPDATE idempotency SET tenant_id = coalesce((SELECT max(k.tenant_id) FROM api_keys k WHERE k.key_id = actor_id), 0);
-- The tenant last: programs of the version before look for the other two.
ALTER TABLE idempotency DROP CONSTRAINT idempotency_pkey;
ALTER TABLE idempotency ADD PRIMARY KEY (actor_id, key_digest, tenant_id);
DROP INDEX idempotency_by_age;
CREATE INDEX idempotency_by_age ON idempotency (tenant_id, created_at);

-- The object's name first: the check of the objects knows nothing else.
DROP INDEX report_versions_by_object;
CREATE UNIQUE INDEX report_versions_by_object ON report_versions (object_id, tenant_id);

-- What is set aside is released tenant by tenant.
DROP INDEX deliveries_aside;
CREATE INDEX deliveries_aside ON deliveries (app_id, tenant_id, state) WHERE state IN (1, 4, 5);
