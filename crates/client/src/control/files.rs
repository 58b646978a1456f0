//! Files for orders.

use contract::control::{CreateFile, File};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{Control, Error};

impl Control {
    /// Stores a file of 1 byte to 10 MiB, which an order's form can then name as the value of a file or resume.
    pub async fn create_file(
        &self,
        tenant_key: &str,
        name: &str,
        content: Vec<u8>,
    ) -> Result<File, Error> {
        let query = CreateFile { name: name.to_owned() };
        let request = self.request(Method::POST, &["tenants", tenant_key, "files"], &query)?;
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(content);
        self.answer(self.exchange(request).await?).await
    }
}
