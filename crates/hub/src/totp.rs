//! Codes of a second factor that go by the time: six digits, every 30 seconds, HMAC-SHA-1, as all programs for it have them.
//! Source: RFC 6238, RFC 4226. And the recovery codes that stand in for them.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use domain::UnixMs;
use system::random;

const STEP_S: i64 = 30;
/// Steps before and after the present one whose code is good too: clocks differ, and people type slowly.
const STEPS_ASIDE: i64 = 1;
const SECRET_BYTES: usize = 20;
/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret, 160 bits.
pub(crate) fn new_secret() -> Vec<u8> {
    random::bytes::<SECRET_BYTES>().to_vec()
}

/// The step whose code this is, near `now`; none for any other text.
pub(crate) fn step_of(secret: &[u8], code: &str, now: UnixMs) -> Option<i64> {
    let code: String = code.chars().filter(|sign| !sign.is_whitespace()).collect();
    let present = now.seconds().div_euclid(STEP_S);
    // The latest first, so that a code is used up with all before it.
    (present - STEPS_ASIDE..=present + STEPS_ASIDE).rev().find(|step| {
        verify_slices_are_equal(code_of(secret, *step).as_bytes(), code.as_bytes()).is_ok()
    })
}

/// The code of a step: six digits.
pub(crate) fn code_of(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 15);
    let bytes = [tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]];
    format!("{:06}", u32::from_be_bytes(bytes) % 1_000_000)
}

/// The secret as people type it: RFC 4648, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let block = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        let letter = |index: usize| BASE32[(block >> (35 - 5 * index) & 31) as usize];
        text.extend((0..letters).map(|index| char::from(letter(index))));
    }
    text
}

/// The address that programs read from a picture: `otpauth://totp/…`.
pub(crate) fn address(secret: &[u8], email: &str) -> String {
    let email: String = url::form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let email = email.replace('+', "%20");
    format!("otpauth://totp/Probity:{email}?secret={}&issuer=Probity", base32(secret))
}

/// New recovery codes, as `abcd-efgh-ijkl`, 60 bits each.
pub(crate) fn new_recovery_codes() -> Vec<String> {
    let code = |_| {
        let text = base32(&random::bytes::<10>()).to_lowercase();
        format!("{}-{}-{}", &text[..4], &text[4..8], &text[8..12])
    };
    (0..RECOVERY_CODES).map(code).collect()
}

/// A recovery code as it is stored, whatever way it was typed; none for a text that is none.
pub(crate) fn recovery_code(typed: &str) -> Option<String> {
    let text: String = typed
        .chars()
        .filter(|sign| !sign.is_whitespace() && *sign != '-')
        .flat_map(char::to_lowercase)
        .take(13)
        .collect();
    (text.len() == 12 && text.is_ascii())
        .then(|| format!("{}-{}-{}", &text[..4], &text[4..8], &text[8..12]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            assert_eq!(code_of(SECRET, seconds / STEP_S), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_one_before_and_after() {
        let at = |seconds: i64| step_of(SECRET, "050 471", UnixMs(seconds * 1_000));
        let step = 1_111_111_111 / STEP_S;
        for (seconds, expected) in [
            (step * STEP_S, Some(step)),
            ((step + 2) * STEP_S - 1, Some(step)),
            ((step + 2) * STEP_S, None),
            ((step - 1) * STEP_S, Some(step)),
            ((step - 1) * STEP_S - 1, None),
        ] {
            assert_eq!(at(seconds), expected, "{seconds}");
        }
        for wrong in ["", "05047", "0504711", "050472", "零五零四七一"] {
            assert_eq!(step_of(SECRET, wrong, UnixMs(1_111_111_111_000)), None, "{wrong}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn secrets_are_written_in_base32() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), expected);
        }
        let address = address(SECRET, "a b+c@qiming.example");
        assert_eq!(
            address,
            "otpauth://totp/Probity:a%20b%2Bc%40qiming.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Probity"
        );
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        for code in &codes {
            assert_eq!(recovery_code(code).as_ref(), Some(code));
            let typed = format!(" {} ", code.replace('-', " ").to_uppercase());
            assert_eq!(recovery_code(&typed).as_ref(), Some(code));
        }
        for wrong in ["", "123456", "abcd-efgh-ijk", "abcd-efgh-ijkl-m", "零零零零零零零零零零零零"]
        {
            assert_eq!(recovery_code(wrong), None, "{wrong}");
        }
    }
}
