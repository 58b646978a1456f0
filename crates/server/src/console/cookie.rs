//! Cookies of requests and answers.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie; none when it is not there.
pub(super) fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|it| it.split_once('='));
    let found = pairs.find(|(known, _)| known.trim() == name);
    found.map(|(_, value)| value.trim().to_owned())
}

/// A cookie of one year for a choice of the reader's, which is no secret.
pub(super) fn choice(name: &str, value: &str) -> HeaderValue {
    let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    HeaderValue::try_from(text).expect("choices are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; __Host-b=2=3;c = 4"));
        headers.append("cookie", HeaderValue::from_static("d=5"));
        let found = |name| find(&headers, name);
        assert_eq!(found("a").as_deref(), Some("1"));
        assert_eq!(found("__Host-b").as_deref(), Some("2=3"));
        assert_eq!(found("c").as_deref(), Some("4"));
        assert_eq!(found("d").as_deref(), Some("5"));
        assert_eq!(found("b"), None);
    }
}
