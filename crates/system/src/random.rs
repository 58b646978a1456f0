//! Chance: the only place that draws random bytes, all from the operating system's seeded
//! generator through aws-lc-rs, so that every one of them may serve as a secret.

use contract::hex::to_hex;

/// `N` random bytes, any of which may serve as a secret. Panics when the operating system has none.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `target` with random bytes. Panics as [`bytes()`] does.
#[expect(clippy::disallowed_methods, reason = "the one place that draws random bytes")]
pub fn fill(target: &mut [u8]) {
    aws_lc_rs::rand::fill(target).expect("the operating system gives random bytes");
}

/// 64 random bits, for names such as a `tenant_key` or an `app_id`.
#[must_use]
pub fn bits() -> i64 {
    i64::from_ne_bytes(bytes())
}

/// `2 * N` random lower-case hex digits.
#[must_use]
pub fn hex<const N: usize>() -> String {
    to_hex(&bytes::<N>())
}

/// A secret: 32 ASCII letters and digits, 190 bits.
#[must_use]
pub fn secret() -> String {
    secret_of(32)
}

/// A secret of `length` ASCII letters and digits, 5.95 bits each.
#[must_use]
pub fn secret_of(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // 248 is the last multiple of 62 in a byte, so that every letter is equally likely.
    const EVEN: u8 = 248;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<40>() {
            if byte < EVEN && text.len() < length {
                text.push(char::from(LETTERS[usize::from(byte % 62)]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn draws_differ() {
        let drawn: HashSet<[u8; 16]> = (0..1_000).map(|_| bytes()).collect();
        assert_eq!(drawn.len(), 1_000);
        assert_ne!(bits(), bits());
    }

    #[test]
    fn secrets_are_32_letters_and_digits_and_use_all_of_them() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let secret = secret();
            assert_eq!(secret.len(), 32);
            assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            seen.extend(secret.bytes());
        }
        assert_eq!(seen.len(), 62);
        assert_eq!(secret_of(0), "");
        assert_eq!(secret_of(81).len(), 81);
    }
}
