-- Who is behind a key: a person or a service. A key of before is a service of its own, so that `placed_by` of its orders
-- stays what it was.
ALTER TABLE api_keys ADD COLUMN owner_id BIGINT NOT NULL DEFAULT 0;
UPDATE api_keys SET owner_id = key_id;
-- An Idempotency-Key belongs to its caller: a key of the control API, or a user.
ALTER TABLE idempotency RENAME COLUMN key_id TO actor_id;
