-- Within how many hours somebody has to decide on a result; none: it may wait for ever.
ALTER TABLE tenants ADD COLUMN review_hours INTEGER;
-- Whether the vendor is notified when a result is sent back.
ALTER TABLE accounts ADD COLUMN returned_event INTEGER NOT NULL DEFAULT 0;

-- Reasons that a tenant's people choose from; name and text are sealed under the tenant's key.
CREATE TABLE reason_templates (
  tenant_id INTEGER NOT NULL,
  template_id INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, template_id)
) WITHOUT ROWID, STRICT;
