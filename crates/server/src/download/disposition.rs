//! The name under which a report or a file is saved. Source: RFC 6266, RFC 8187.

use std::fmt::Write;

/// What a report or a file without a usable name is called.
const NAMELESS: &str = "report";
const EXTENSION: &str = ".pdf";
const CHARS_MAX: usize = 80;
const ENDING_CHARS: usize = 12;

/// The value of `Content-Disposition` for an attachment: an ASCII name for old readers, and the whole name.
pub(super) fn attachment(name: &str) -> String {
    value(&format!("{}{EXTENSION}", stem(name, EXTENSION)))
}

/// The same for what is shown and saved under this name only when somebody saves it.
pub(super) fn shown(name: &str) -> String {
    attachment(name).replacen("attachment", "inline", 1)
}

/// The same for a file of any kind, whose name keeps its own ending.
pub(super) fn attachment_of_any_kind(name: &str) -> String {
    value(&stem(name, ""))
}

fn value(name: &str) -> String {
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            _ if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) => {
                value.push(char::from(byte));
            }
            _ => write!(value, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    value
}

/// A name that is no path and hides nothing, without `extension`.
fn stem(name: &str, extension: &str) -> String {
    let is_odd = |c: char| {
        c.is_control() || "/\\:*?\"<>|".contains(c)
            // Marks that turn the direction of writing make `fdp.exe` look like `exe.pdf`.
            || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let name: String = name.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    let name = name.trim().trim_start_matches('.');
    let has_extension = name.len() >= extension.len()
        && name.is_char_boundary(name.len() - extension.len())
        && name[name.len() - extension.len()..].eq_ignore_ascii_case(extension);
    let stem = if has_extension { &name[..name.len() - extension.len()] } else { name };
    let stem: String = match extension {
        // A long name loses its middle, so that its ending stays.
        "" if stem.chars().count() > CHARS_MAX => {
            let start: String = stem.chars().take(CHARS_MAX - ENDING_CHARS).collect();
            let ending = stem.chars().skip(stem.chars().count() - ENDING_CHARS);
            start + &ending.collect::<String>()
        }
        _ => stem.chars().take(CHARS_MAX).collect(),
    };
    match stem.trim() {
        "" => NAMELESS.to_owned(),
        stem => stem.to_owned(),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " !#$&'()+,-.=@[]^_`{}~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_twice_and_ends_as_a_pdf() {
        for (name, expected) in [
            ("report.pdf", r#"attachment; filename="report.pdf"; filename*=UTF-8''report.pdf"#),
            (
                "终版报告",
                "attachment; filename=\"____.pdf\"; \
                 filename*=UTF-8''%E7%BB%88%E7%89%88%E6%8A%A5%E5%91%8A.pdf",
            ),
            ("a b.PDF", r#"attachment; filename="a b.pdf"; filename*=UTF-8''a%20b.pdf"#),
            ("", r#"attachment; filename="report.pdf"; filename*=UTF-8''report.pdf"#),
            (".pdf", r#"attachment; filename="pdf.pdf"; filename*=UTF-8''pdf.pdf"#),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }

    #[test]
    fn a_file_keeps_its_own_ending() {
        for (name, expected) in [
            ("cv.docx", "cv.docx"),
            ("../a/cv.pdf", "_a_cv.pdf"),
            (" ", "report"),
            (&format!("{}.docx", "a".repeat(200)), &format!("{}.docx", "a".repeat(75))),
        ] {
            let expected =
                format!("attachment; filename=\"{expected}\"; filename*=UTF-8''{expected}");
            assert_eq!(attachment_of_any_kind(name), expected);
        }
    }

    #[test]
    fn no_name_leaves_its_header_or_its_folder() {
        for name in [
            "../../etc/passwd",
            "a\"b",
            "a\r\nSet-Cookie: b",
            "x\u{202e}fdp.exe",
            "a\\b",
            "100%",
            "📄 报告 😀",
            "\u{061c}x",
        ] {
            let value = attachment(name);
            assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{value}");
            assert_eq!(value.matches('"').count(), 2, "{value}");
            assert!(!value.contains(['/', '\\']) && !value.contains("%E2%80%AE"), "{value}");
            assert!(!value.contains("%D8%9C"), "{value}");
            assert!(value.ends_with(".pdf"), "{value}");
        }
        assert!(attachment(&"长".repeat(300)).len() < 1_000);
    }
}
