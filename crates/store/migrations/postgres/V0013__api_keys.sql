-- What each column is for is said in SQLite's migration of the same name.
ALTER TABLE api_keys ADD COLUMN sealed BYTEA;
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
ALTER TABLE api_keys ADD COLUMN old_key_hash BYTEA;
ALTER TABLE api_keys ADD COLUMN old_until BIGINT;
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
ALTER TABLE api_keys ADD COLUMN revoked_at BIGINT;
CREATE INDEX api_keys_by_tenant ON api_keys (coalesce(tenant_id, 0), key_id);
CREATE INDEX api_keys_by_id ON api_keys (key_id);
CREATE INDEX api_keys_by_old_hash ON api_keys (old_key_hash) WHERE old_key_hash IS NOT NULL;
