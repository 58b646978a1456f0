-- The live long connections, so that replicas know of each other's.

-- A process that serves; its beat tells that it lives.
CREATE TABLE replicas (
  replica_id BIGINT PRIMARY KEY,
  beat_at BIGINT NOT NULL,
  beats BIGINT NOT NULL
);

-- The id stands in the connection's one-time ticket: the row outlives the connection until the ticket is void.
CREATE TABLE connections (
  connection_id BIGINT PRIMARY KEY,
  app_id BIGINT NOT NULL,
  replica_id BIGINT NOT NULL,
  client TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  last_ping_at BIGINT,
  in_flight BIGINT NOT NULL,
  closed_at BIGINT
);
CREATE INDEX connections_by_app ON connections (app_id);
CREATE INDEX connections_by_replica ON connections (replica_id);
