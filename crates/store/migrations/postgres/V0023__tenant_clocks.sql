-- How far a tenant's clock is ahead of the installation's.
ALTER TABLE tenants ADD COLUMN clock_offset_ms BIGINT NOT NULL DEFAULT 0;
