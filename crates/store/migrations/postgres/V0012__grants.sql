-- What tenants granted to apps, and the numbers by which tokens end.

-- Each app secret and encrypt key of an app has a number, counted up by each rotation. `ends_no` counts how often all
-- tokens of the app were ended. `changed_by` is the key that prepared what the app is now, 0 for nobody.
ALTER TABLE apps ADD COLUMN app_secret_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN encrypt_key_no BIGINT NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN ends_no BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN changed_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN changed_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE apps SET changed_at = created_at;
UPDATE installations SET changed_at = installed_at;

-- What a tenant agreed to of an app. The row stays when that is taken back (`is_granted` 0), so that `ends_no` counts
-- on: how often all tokens of the app in this tenant were ended. `granted_by` is a key of the tenant, 0 for this
-- migration: what stood before it is granted.
CREATE TABLE grants (
  tenant_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  is_granted BIGINT NOT NULL,
  scopes TEXT NOT NULL,
  event_mode TEXT NOT NULL,
  callback_url TEXT,
  encrypted BIGINT NOT NULL,
  ip_allowlist TEXT NOT NULL,
  app_secret_no BIGINT NOT NULL,
  encrypt_key_no BIGINT NOT NULL,
  ends_no BIGINT NOT NULL,
  granted_by BIGINT NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
);
CREATE INDEX grants_by_app ON grants (app_id);

INSERT INTO grants (tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, ip_allowlist,
    app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at)
  SELECT tenant_id, app_id, 1, scopes, event_mode, callback_url, encrypted, ip_allowlist, 1, 1, 0, 0, created_at
  FROM apps WHERE tenant_id IS NOT NULL;
INSERT INTO grants (tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, ip_allowlist,
    app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at)
  SELECT i.tenant_id, i.app_id, 1, i.scopes, a.event_mode, a.callback_url, a.encrypted, a.ip_allowlist, 1, 1, 0, 0,
    i.installed_at
  FROM installations i JOIN apps a ON a.app_id = i.app_id;
