//! Style, script and pictures of the pages: compiled in, named by their content, cached for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::hex::to_hex;

/// Hex digits of the content's hash in its name.
const DIGITS: usize = 16;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file of the pages.
struct Asset {
    /// Its path, with the hash of its content.
    path: String,
    kind: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, content: &'static [u8]) -> Asset {
        let hash = to_hex(digest(&SHA256, content).as_ref());
        Asset { path: format!("/assets/{name}.{}.{ending}", &hash[..DIGITS]), kind, content }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/console.css");
    Asset::new("console", "css", "text/css; charset=utf-8", content)
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/console.js");
    Asset::new("console", "js", "text/javascript; charset=utf-8", content)
});
static SPRITE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/sprite.svg");
    Asset::new("sprite", "svg", "image/svg+xml", content)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

/// Where the style is.
pub(super) fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icons are; `#name` names one.
pub(super) fn sprite() -> &'static str {
    &SPRITE.path
}

/// Where the picture for the browser's tab is.
pub(super) fn icon() -> &'static str {
    &ICON.path
}

/// Answers with an asset. A name of another version is not found: its page is gone as well.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let all = [&*STYLE, &*SCRIPT, &*SPRITE, &*ICON];
    let Some(asset) = all.into_iter().find(|it| it.path.strip_prefix("/assets/") == Some(&name))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = asset.content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_named_by_its_content() {
        let names = |text: &'static str| Asset::new("a", "css", "text/css", text.as_bytes()).path;
        assert_ne!(names("a"), names("b"));
        assert!(style().starts_with("/assets/console.") && style().ends_with(".css"));
    }

    #[test]
    fn a_first_visit_is_light() {
        let bytes: usize =
            [&STYLE, &SCRIPT, &SPRITE, &ICON].iter().map(|it| it.content.len()).sum();
        assert!(bytes < 60 * 1_024, "{bytes}");
    }

    /// The ratio of the luminances of two colours. Source: WCAG 2.2, "contrast ratio".
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour: &str| {
            let part = |at: usize| {
                let byte = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
                let share = f64::from(byte) / 255.0;
                if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The light and the dark value of a token.
    fn token(name: &str) -> [String; 2] {
        let style = std::str::from_utf8(STYLE.content).unwrap();
        let start = format!("--{name}: light-dark(");
        let at = style.find(&start).unwrap_or_else(|| panic!("no token {name}")) + start.len();
        let pair = style[at..].split(')').next().unwrap();
        let (light, dark) = pair.split_once(", ").unwrap();
        assert!(
            style.contains(&format!("--{name}: {light};")),
            "{name} differs where there is no light-dark()"
        );
        [light.to_owned(), dark.to_owned()]
    }

    #[test]
    fn texts_stand_out_from_their_grounds_in_both_themes() {
        let mut pairs =
            vec![("on-accent", "accent"), ("accent", "accent-soft"), ("text", "accent-soft")];
        for ground in ["page", "surface", "sunken"] {
            pairs.extend(["text", "muted", "accent"].map(|it| (it, ground)));
        }
        let states = [
            ("waiting", "waiting-soft"),
            ("attention", "attention-soft"),
            ("good", "good-soft"),
            ("under-way", "under-way-soft"),
            ("ended", "ended-soft"),
        ];
        pairs.extend(states);
        pairs.extend(states.map(|(state, _)| (state, "surface")));
        for (text, ground) in pairs {
            for (text_colour, ground_colour) in token(text).iter().zip(&token(ground)) {
                let ratio = contrast(text_colour, ground_colour);
                assert!(
                    ratio >= 4.5,
                    "{text} on {ground}: {ratio:.2} ({text_colour} on {ground_colour})"
                );
            }
        }
        // Edges of fields. Source: WCAG 2.2, 1.4.11.
        for (edge, ground) in token("edge").iter().zip(&token("surface")) {
            assert!(contrast(edge, ground) >= 3.0, "{edge} on {ground}");
        }
    }
}
