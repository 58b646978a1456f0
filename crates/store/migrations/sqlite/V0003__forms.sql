-- What vendors ask of hirers: labels and keys, nothing about a person. `fields` and `retired_keys` are JSON lists.
-- And the files that hirers answer with.

-- An app's form for accounts (账号自定义字段), per scope; a retired key was deleted and never comes back.
CREATE TABLE account_forms (
  app_id INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  fields TEXT NOT NULL,
  retired_keys TEXT NOT NULL,
  version INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (app_id, scope)
) WITHOUT ROWID, STRICT;

-- An account's forms for orders (背调自定义字段). State 1 is in force, 2 was replaced, 3 was deleted: orders keep
-- the form that they were placed with, and the keys of a deleted one never come back.
CREATE TABLE check_forms (
  tenant_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  form_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  fields TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, account_id, form_id)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX check_forms_in_force ON check_forms (tenant_id, account_id) WHERE state = 1;

-- A deleted package can no longer be ordered; the orders of it still show its name.
ALTER TABLE packages ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;

-- Files for orders. The tenant's key wraps the file's own, which seals the name (`sealed`) and the content, an object
-- of the same id. What no order uses is purged a day after it came.
CREATE TABLE files (
  tenant_id INTEGER NOT NULL,
  file_id INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  is_used INTEGER NOT NULL,
  wrapped_key BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant_id, file_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX files_unused ON files (file_id) WHERE is_used = 0;
