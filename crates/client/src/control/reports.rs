//! Reports: their content, streamed.

use bytes::Bytes;
use contract::control::{GetReportContent, Page, Report, ReportVersion};

use super::{Control, Error};
use crate::transport::Transport;

/// A content on its way, of a report or an export: read it chunk by chunk until `None`.
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
    pub(super) fn new(control: &Control, response: reqwest::Response) -> Content {
        Content { transport: control.transport.clone(), response }
    }

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

calls! {
    /// Lists everything that was ever fetched for a report, the newest first; all of it in one page.
    pub async fn list_report_versions(tenant_key: &str, order_id: &str, report_id: &str)
        -> Page<ReportVersion> =
        get(["tenants", tenant_key, "orders", order_id, "reports", report_id, "versions"]);
    /// Asks for a new try to fetch a report; what comes is a new version.
    pub async fn refetch_report(tenant_key: &str, order_id: &str, report_id: &str) -> Report =
        post(["tenants", tenant_key, "orders", order_id, "reports", report_id, "refetch"]);
    /// Takes a content that was refused as it is; it is stored flagged.
    pub async fn accept_report(tenant_key: &str, order_id: &str, report_id: &str) -> Report =
        post(["tenants", tenant_key, "orders", order_id, "reports", report_id, "accept"]);
}

impl Control {
    /// Opens a report's content, of its newest version. Only a report with a version has one.
    pub async fn get_report_content(
        &self,
        tenant_key: &str,
        order_id: &str,
        report_id: &str,
    ) -> Result<Content, Error> {
        let newest = GetReportContent::default();
        self.get_report_version(tenant_key, order_id, report_id, &newest).await
    }

    /// Opens a report's content, of the version that the query names.
    pub async fn get_report_version(
        &self,
        tenant_key: &str,
        order_id: &str,
        report_id: &str,
        query: &GetReportContent,
    ) -> Result<Content, Error> {
        let path = ["tenants", tenant_key, "orders", order_id, "reports", report_id, "content"];
        let response = self.open(&path, query).await?;
        Ok(Content::new(self, response))
    }
}
