//! What was typed into a form: a small body, each field by its name.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use url::form_urlencoded;

use super::stop::Stop;
use crate::app::SharedApp;
use crate::http::body::read_body;

/// Most bytes of a form without files.
const BYTES_MAX: usize = 64 * 1024;
const KIND: &str = "application/x-www-form-urlencoded";

/// The fields of a form, as they came.
#[derive(Clone, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Form {
        Form { fields: form_urlencoded::parse(body).into_owned().collect() }
    }

    /// What was typed into a field, lines ended as everywhere else; nothing when there is no such field.
    pub(super) fn text(&self, name: &str) -> String {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
    }

    /// The same without blanks around it.
    pub(super) fn word(&self, name: &str) -> String {
        self.text(name).trim().to_owned()
    }

    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The whole of it but passwords as one text, from which [`Form::parse`] makes it again.
    pub(super) fn packed(&self) -> String {
        let fields = self.fields.iter().filter(|(name, _)| !name.contains("password"));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }
}

impl FromRequest<SharedApp> for Form {
    type Rejection = Stop;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Form, Stop> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let read = read_body(body, BYTES_MAX, app.config.body_time, &app.bodies).await;
        let body = read.map_err(|_| Stop::BadForm)?;
        match body.is_empty() || kind.eq_ignore_ascii_case(KIND) {
            true => Ok(Form::parse(&body)),
            false => Err(Stop::BadForm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_packed_and_read_again() {
        let form = Form::parse("words=%E9%80%80%E5%9B%9E%0D%0A%26&empty=&words=second".as_bytes());
        assert_eq!(form.text("words"), "退回\n&");
        assert_eq!((form.text("empty"), form.text("absent")), (String::new(), String::new()));
        assert_eq!(Form::parse(form.packed().as_bytes()).fields(), form.fields());
        let form = Form::parse(b"name=a&old_password=b&password=c");
        assert_eq!(form.packed(), "name=a");
    }
}
