//! The store's promises, each one function over a [`support::World`], run on SQLite and on PostgreSQL.
//!
//! PostgreSQL is found by `DATABASE_URL`, or at 127.0.0.1:5432 as user postgres; each test has a database of its
//! own there. Where none is reached the test says that it was skipped, or fails when `DEMANDED` or `CI` is set.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod api_keys;
mod backups;
mod candidates;
mod cluster;
mod concurrency;
mod connections;
mod damage;
mod deliveries;
mod endpoints;
mod erasing;
mod evidence;
mod faults;
mod files;
mod forms;
mod grants;
mod idempotency;
mod kills;
mod lockstep;
mod migrations;
mod order_pages;
mod order_search;
mod orders;
mod people;
mod repeats;
mod reports;
mod reviews;
mod room;
mod root_key;
mod sealing;
mod sessions;
mod store_apps;
mod support;
mod tenancy;
mod tenant_local;
mod upgrade;
