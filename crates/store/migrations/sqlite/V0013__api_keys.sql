-- What is known of a key for the control API besides its hash. `role` holds its roles, with blanks between them.
-- `sealed` holds name and owner, under the tenant's key; null for the first key of a tenant or an installation.
-- `old_key_hash` is good as well until `old_until`. A key that is revoked keeps its row; its hash becomes another one.
ALTER TABLE api_keys ADD COLUMN sealed BLOB;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN old_key_hash BLOB;
ALTER TABLE api_keys ADD COLUMN old_until INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;
-- The operator's keys stand under tenant 0.
CREATE INDEX api_keys_by_tenant ON api_keys (coalesce(tenant_id, 0), key_id);
CREATE INDEX api_keys_by_id ON api_keys (key_id);
CREATE INDEX api_keys_by_old_hash ON api_keys (old_key_hash) WHERE old_key_hash IS NOT NULL;
