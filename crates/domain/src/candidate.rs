//! Whether a candidate is the one searched for: names, numbers and addresses compared exactly after normalization.

/// What says who a candidate is, as the order's form has it. What is not known is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Candidate<'a> {
    /// Full name.
    pub name: &'a str,
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
    /// Country calling code without plus.
    pub mobile_code: &'a str,
    /// Mobile number.
    pub mobile_number: &'a str,
    /// Mail address.
    pub email: &'a str,
}

/// What is searched for; what is not named fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    name: Option<String>,
    mobile: Option<WantedMobile>,
    email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct WantedMobile {
    digits: String,
    /// With plus or 00: the country code stands before the number.
    is_international: bool,
}

impl Wanted {
    /// A search by what somebody typed.
    #[must_use]
    pub fn new(name: Option<&str>, mobile: Option<&str>, email: Option<&str>) -> Wanted {
        Wanted { name: name.map(plain), mobile: mobile.map(wanted_mobile), email: email.map(plain) }
    }

    /// Whether nothing is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Wanted::default()
    }

    /// Whether this is the candidate.
    #[must_use]
    pub fn fits(&self, candidate: &Candidate<'_>) -> bool {
        let name = self.name.as_deref();
        let mobile = self.mobile.as_ref();
        let email = self.email.as_deref();
        name.is_none_or(|name| is_name(name, candidate))
            && mobile.is_none_or(|mobile| mobile.fits(candidate))
            && email.is_none_or(|email| !email.is_empty() && email == plain(candidate.email))
    }
}

impl WantedMobile {
    fn fits(&self, candidate: &Candidate<'_>) -> bool {
        let (code, number) = (digits(candidate.mobile_code), digits(candidate.mobile_number));
        let code = code.trim_start_matches('0');
        // Some write the country code before the number as well.
        let national = match number.strip_prefix("00") {
            Some(rest) => rest.strip_prefix(code).unwrap_or(rest),
            None => &number,
        };
        // The zero that is dialled within a country is not part of the number.
        let national = national.trim_start_matches('0');
        if national.is_empty() || self.digits.is_empty() {
            return false;
        }
        let wanted = self.digits.trim_start_matches('0');
        if wanted == format!("{code}{national}") {
            return true;
        }
        if self.is_international {
            // +44 (0)20: the zero within brackets.
            return wanted
                .strip_prefix(code)
                .is_some_and(|rest| !code.is_empty() && rest.trim_start_matches('0') == national);
        }
        wanted == national
    }
}

fn is_name(wanted: &str, candidate: &Candidate<'_>) -> bool {
    let (first, last) = (plain(candidate.first_name), plain(candidate.last_name));
    let is_in_parts = !first.is_empty()
        && !last.is_empty()
        && (wanted == format!("{first}{last}") || wanted == format!("{last}{first}"));
    !wanted.is_empty() && (wanted == plain(candidate.name) || is_in_parts)
}

fn wanted_mobile(typed: &str) -> WantedMobile {
    let begin = typed.trim_start().chars().next().map(half_width);
    let digits = digits(typed);
    let is_international = begin == Some('+') || digits.starts_with("00");
    WantedMobile { digits, is_international }
}

fn plain(text: &str) -> String {
    let shown = text.chars().map(half_width).filter(|c| !c.is_whitespace() && !is_unseen(*c));
    shown.flat_map(char::to_lowercase).collect()
}

fn digits(text: &str) -> String {
    text.chars().map(half_width).filter(char::is_ascii_digit).collect()
}

/// The usual form of a full-width letter, digit or sign; and one dot for those in names of several parts.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xfee0).expect("they stand in the order of ASCII")
        }
        '•' | '・' | '‧' | '･' | '∙' => '·',
        c => c,
    }
}

/// Signs that come with a copied text and take no room.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATE: Candidate<'_> = Candidate {
        name: "张三",
        first_name: "San",
        last_name: "Zhang",
        mobile_code: "86",
        mobile_number: "13800000000",
        email: "Zhang.San@Example.com",
    };

    fn by_mobile(code: &str, number: &str, typed: &str) -> bool {
        let candidate = Candidate { mobile_code: code, mobile_number: number, ..CANDIDATE };
        Wanted::new(None, Some(typed), None).fits(&candidate)
    }

    #[test]
    fn names_fit_whatever_case_and_blanks() {
        let fits = |typed| Wanted::new(Some(typed), None, None).fits(&CANDIDATE);
        for typed in [
            "张三",
            " 张 三 ",
            "张\u{3000}三",
            "zhang san",
            "SAN ZHANG",
            "ＳａｎＺｈａｎｇ",
            "张三\u{200b}",
        ] {
            assert!(fits(typed), "{typed}");
        }
        for typed in ["张", "张三丰", "zhang", "san", "zhang sa", " ", "·"] {
            assert!(!fits(typed), "{typed}");
        }
        let parts = Candidate { name: "阿卜杜拉·买买提", ..Candidate::default() };
        assert!(Wanted::new(Some("阿卜杜拉•买买提"), None, None).fits(&parts));
        // An empty part of the form is nobody's name.
        assert!(
            !Wanted::new(Some("zhang"), None, None)
                .fits(&Candidate { first_name: "", ..CANDIDATE })
        );
    }

    #[test]
    fn numbers_fit_with_and_without_the_country_code() {
        for typed in [
            "13800000000",
            "138 0000 0000",
            "138-0000-0000",
            "+86 138 0000 0000",
            "+86-13800000000",
            "(+86)13800000000",
            "0086 138 0000 0000",
            "8613800000000",
            "＋８６１３８００００００００",
        ] {
            assert!(by_mobile("86", "13800000000", typed), "{typed}");
        }
        for typed in ["1380000000", "3800000000", "+13800000000", "+1 3800000000", "+", "0", "86"] {
            assert!(!by_mobile("86", "13800000000", typed), "{typed}");
        }
        for typed in ["020 7946 0000", "+44 20 7946 0000", "+44 (0)20 7946 0000", "442079460000"] {
            assert!(by_mobile("44", "02079460000", typed), "{typed}");
            assert!(by_mobile("44", "2079460000", typed), "{typed}");
            assert!(by_mobile("0044", "2079460000", typed), "{typed}");
        }
        assert!(by_mobile("86", "008613800000000", "13800000000"));
        assert!(!by_mobile("", "", "13800000000"));
    }

    #[test]
    fn mail_addresses_fit_whatever_case() {
        let fits = |typed| Wanted::new(None, None, Some(typed)).fits(&CANDIDATE);
        assert!(fits("zhang.san@example.com") && fits(" ZHANG.SAN@EXAMPLE.COM "));
        assert!(!fits("zhangsan@example.com") && !fits("zhang.san@example.co") && !fits(" "));
    }

    #[test]
    fn everything_that_is_named_must_fit() {
        assert!(Wanted::new(Some("张三"), Some("13800000000"), None).fits(&CANDIDATE));
        assert!(!Wanted::new(Some("张三"), Some("13800000001"), None).fits(&CANDIDATE));
        assert!(!Wanted::new(Some("李四"), None, Some("zhang.san@example.com")).fits(&CANDIDATE));
        assert!(Wanted::default().is_empty() && Wanted::default().fits(&CANDIDATE));
    }
}
