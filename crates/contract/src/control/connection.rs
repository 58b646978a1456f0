//! Long connections: `GET /apps/{app_id}/connections`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One live long connection (长连接) of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// 19 decimal digits; the `device_id` that the client knows.
    pub connection_id: String,
    /// Who is at the other end: address, and the program's `User-Agent` when it said one.
    pub client: String,
    /// Since when it is open (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// The client's last ping (RFC 3339, UTC); absent before the first. Some seconds old where another replica holds
    /// the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_ping_at: Option<String>,
    /// Events that it has not acknowledged yet.
    pub in_flight: u32,
}
