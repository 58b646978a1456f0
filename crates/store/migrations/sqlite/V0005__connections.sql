-- The live long connections, so that replicas know of each other's.

-- A process that serves; its beat tells that it lives.
CREATE TABLE replicas (
  replica_id INTEGER PRIMARY KEY,
  beat_at INTEGER NOT NULL,
  beats INTEGER NOT NULL
) STRICT;

-- The id stands in the connection's one-time ticket: the row outlives the connection until the ticket is void.
CREATE TABLE connections (
  connection_id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL,
  replica_id INTEGER NOT NULL,
  client TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  last_ping_at INTEGER,
  in_flight INTEGER NOT NULL,
  closed_at INTEGER
) STRICT;
CREATE INDEX connections_by_app ON connections (app_id);
CREATE INDEX connections_by_replica ON connections (replica_id);
