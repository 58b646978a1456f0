-- People. A person is one row of the installation, whatever tenants they are in; name and mail address are sealed under a key
-- of the installation, and found by a keyed hash of the address. These tables belong to no tenant: they are small, and read
-- at every page.

CREATE TABLE users (
  user_id INTEGER PRIMARY KEY,
  mail_hash BLOB NOT NULL,
  -- Name and mail address.
  sealed BLOB NOT NULL,
  -- Argon2id, as a PHC string.
  password_hash TEXT NOT NULL,
  -- Null for what the browser asks for.
  locale TEXT,
  theme TEXT NOT NULL,
  -- The secret of the second factor, which is in force once `totp_on_at` is set; and the last step that was used.
  totp_sealed BLOB,
  totp_on_at INTEGER,
  totp_step INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_mail ON users (mail_hash);

-- Codes that stand in for the second factor, as keyed hashes; one that is used is deleted.
CREATE TABLE recovery_codes (
  user_id INTEGER NOT NULL,
  code_hash BLOB NOT NULL,
  PRIMARY KEY (user_id, code_hash)
) WITHOUT ROWID, STRICT;

-- Who is in which tenant; `tenant_id` is null for operators. `roles` has blanks between them.
CREATE TABLE memberships (
  membership_id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL,
  tenant_id INTEGER,
  roles TEXT NOT NULL,
  suspended_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
-- Operators stand under tenant 0.
CREATE UNIQUE INDEX memberships_by_tenant ON memberships (coalesce(tenant_id, 0), user_id);
CREATE INDEX memberships_by_user ON memberships (user_id);

-- Who is signed in, by the SHA-256 of what the cookie holds. `tenant_id` is the tenant that is looked at, null for none.
CREATE TABLE user_sessions (
  session_hash BLOB PRIMARY KEY,
  session_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  tenant_id INTEGER,
  -- Whether the second factor is still missing.
  awaits_totp INTEGER NOT NULL,
  -- Address and program of who signed in.
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX user_sessions_by_user ON user_sessions (user_id, session_id);
CREATE INDEX user_sessions_by_use ON user_sessions (last_seen_at);

-- Addresses that are good once: invitations (kind 1), the first set-up (2), a new password (3). `tenant_id` is null for the
-- operator's. `sealed` holds the mail address of who is invited.
CREATE TABLE one_time_links (
  token_hash BLOB PRIMARY KEY,
  link_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  tenant_id INTEGER,
  user_id INTEGER,
  roles TEXT NOT NULL,
  sealed BLOB NOT NULL,
  created_by INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  revoked_at INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX one_time_links_by_tenant ON one_time_links (coalesce(tenant_id, 0), kind, link_id);
CREATE INDEX one_time_links_by_user ON one_time_links (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX one_time_links_by_end ON one_time_links (expires_at);

-- Tries to sign in that did not succeed, by a keyed hash of the account or the address.
CREATE TABLE sign_in_tries (
  subject BLOB PRIMARY KEY,
  count INTEGER NOT NULL,
  free_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (last_at);

-- What keys belong to that belong to no person; `sealed` holds name and purpose, under the tenant's key.
CREATE TABLE service_accounts (
  tenant_id INTEGER NOT NULL,
  service_account_id INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, service_account_id)
) WITHOUT ROWID, STRICT;

-- Whom `owner_id` means: the key itself (0), a person (1), a service account (2).
ALTER TABLE api_keys ADD COLUMN owner_kind INTEGER NOT NULL DEFAULT 0;
CREATE INDEX api_keys_by_owner ON api_keys (owner_id);

-- Whether members need a second factor.
ALTER TABLE tenants ADD COLUMN totp_required INTEGER NOT NULL DEFAULT 0;
