-- What was fetched for a report, append-only: each fetch that brought a content is a version of its own, 1 the first.
-- The content is an object, named by a number that tells nothing, and sealed under a key of its own, which the order's
-- data key wraps. `size_bytes` and `sha256` are the content's; `sealed` holds what else is known of it: its source's
-- host, what was found in it, what the scanner said. Erasing empties `wrapped_key` and `sealed`.
CREATE TABLE report_versions (
  tenant_id BIGINT NOT NULL,
  report_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  object_id BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  sha256 BYTEA NOT NULL,
  is_flagged BIGINT NOT NULL,
  fetched_at BIGINT NOT NULL,
  wrapped_key BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, report_id, version)
);
CREATE UNIQUE INDEX report_versions_by_object ON report_versions (object_id);

-- The newest version that a report has; 0 is none.
ALTER TABLE reports ADD COLUMN version_last BIGINT NOT NULL DEFAULT 0;

-- Contents of before this table lie unsealed: they are fetched anew, and the check of the objects names what is left.
UPDATE reports SET state = 1, due_at = 0, attempts = 0, size_bytes = NULL, sha256 = NULL WHERE state IN (3, 4);
