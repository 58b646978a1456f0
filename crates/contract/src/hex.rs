//! Hexadecimal digits, always lower-case.

/// `bytes` as lower-case hex digits, two for each.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The `N` bytes of `2 * N` lower-case hex digits; none for any other text.
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_lower_case_and_of_its_length() {
        assert_eq!(from_hex("00ff10"), Some([0, 255, 16]));
        assert_eq!(to_hex(&[0, 255, 16]), "00ff10");
        for wrong in ["", "0", "00ff1", "00FF10", "00ff1g", "00ff1000"] {
            assert_eq!(from_hex::<3>(wrong), None, "{wrong}");
        }
    }
}
