//! Reports: their content, streamed.

use bytes::Bytes;
use reqwest::Method;

use super::{Control, Error, NO_QUERY, Nothing};
use crate::transport::Transport;

/// A report's content on its way: read it chunk by chunk until `None`.
pub struct Content {
    transport: Transport,
    response: reqwest::Response,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("size_bytes", &self.size_bytes()).finish_non_exhaustive()
    }
}

impl Content {
    /// Bytes of the whole content, when the server says so.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next bytes; `None` at the end. A content cut short is an error, not an end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| self.transport.unreachable(error).into())
    }

    /// The whole content in memory.
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

impl Control {
    /// Opens a report's content. Only a report in state `stored` or `flagged` has one.
    pub async fn get_report_content(
        &self,
        tenant_key: &str,
        order_id: &str,
        report_id: &str,
    ) -> Result<Content, Error> {
        let path = ["tenants", tenant_key, "orders", order_id, "reports", report_id, "content"];
        let response = self.send(Method::GET, &path, NO_QUERY, None::<&Nothing>).await?;
        Ok(Content { transport: self.transport.clone(), response })
    }
}
