//! What can be said about any text: whether there is something to read in it, and whether it can name a file.

/// Whether a reader sees nothing: no characters, or only blanks, controls and characters without a form.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_formless(c))
}

/// Characters that take no ink although they are no blanks: fillers, joiners, marks of direction.
fn is_formless(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text can name a file: no path, controls, or marks that make `fdp.exe` look like `exe.pdf`.
#[must_use]
pub fn is_file_name(text: &str) -> bool {
    !is_blank(text) && !is_dots(text) && !text.contains(is_unfit_for_files)
}

/// The name that is nearest to a text, as [`is_file_name`] wants it.
#[must_use]
pub fn as_file_name(text: &str) -> String {
    if is_blank(text) || is_dots(text) {
        return "_".to_owned();
    }
    text.chars().map(|c| if is_unfit_for_files(c) { '_' } else { c }).collect()
}

fn is_dots(text: &str) -> bool {
    text.trim() == "." || text.trim() == ".."
}

fn is_unfit_for_files(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_anything_to_read_is_blank() {
        for text in [
            "",
            " ",
            "\t\r\n",
            "\u{a0}",
            "\u{3000}",
            "\u{200b}",
            "\u{feff}",
            "\u{2060} \u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{0}\u{1b}",
            "\u{202e}",
            "\u{fe0f}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in [".", "无", " a ", "-", "\u{fffd}", "😀", "👩\u{200d}💻"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn a_path_or_a_line_is_no_file_name() {
        for (text, near) in [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("..\\a.pdf", ".._a.pdf"),
            ("/a.pdf", "_a.pdf"),
            ("a/b.pdf", "a_b.pdf"),
            ("C:\\a.pdf", "C:_a.pdf"),
            ("a\nb.pdf", "a_b.pdf"),
            ("a\r\nX-Evil: 1", "a__X-Evil: 1"),
            ("a\u{0}.pdf", "a_.pdf"),
            ("a\u{7f}\u{85}\u{2028}\u{2029}.pdf", "a____.pdf"),
            ("\u{202e}fdp.exe", "_fdp.exe"),
            ("..", "_"),
            (".", "_"),
            (" .. ", "_"),
            ("\u{200b}", "_"),
            ("", "_"),
        ] {
            assert!(!is_file_name(text), "{text:?}");
            assert_eq!(as_file_name(text), near, "{text:?}");
            assert!(is_file_name(near), "{near:?}");
        }
        for text in
            ["cv.pdf", "简历 (终版).pdf", ".cv", "a..b", "...", "a:b?.pdf", "👩\u{200d}💻.pdf"]
        {
            assert!(is_file_name(text), "{text:?}");
            assert_eq!(as_file_name(text), text);
        }
    }
}
