//! When a signed link ends, by its query. Sources: AWS Signature Version 4 and 2, Google Cloud Storage, Alibaba OSS
//! V1 and V4, Tencent COS, Huawei OBS, Volcengine TOS, Azure SAS, Qiniu, Amazon CloudFront.

use crate::time::UnixMs;

/// Names of members that hold the end itself, beside those that end in `expires` or `expiration`.
const ENDS: [&str; 11] = [
    "se",
    "e",
    "exp",
    "expire",
    "expiry",
    "deadline",
    "expires_at",
    "expire_time",
    "expiretime",
    "valid_until",
    "validuntil",
];
/// A number from here on is an instant, not a duration: 2001 in seconds.
const EPOCH_SECONDS_MIN: i64 = 1_000_000_000;
/// From here on it counts milliseconds.
const EPOCH_MS_MIN: i64 = 100_000_000_000;
/// The longest duration that a link may name, in seconds: ten years.
const SECONDS_MAX: i64 = 315_360_000;

/// When `url` ends, as its query says; the earliest when it says so several times, none when it does not.
#[must_use]
pub fn link_ends_at(url: &str) -> Option<UnixMs> {
    let (_, query) = url.split('#').next()?.split_once('?')?;
    let members: Vec<(String, String)> = query
        .split('&')
        .filter_map(|member| member.split_once('='))
        .map(|(name, value)| (decode(name).to_ascii_lowercase(), decode(value)))
        .collect();
    members.iter().filter_map(|(name, value)| end(name, value, &members)).min()
}

fn end(name: &str, value: &str, members: &[(String, String)]) -> Option<UnixMs> {
    match name {
        "q-sign-time" => return sign_time(value),
        "sign" | "signature" => return signed(value),
        "policy" => return policy(value),
        _ => {}
    }
    if !ENDS.contains(&name) && !name.ends_with("expires") && !name.ends_with("expiration") {
        return None;
    }
    match value.trim().parse::<i64>() {
        // `x-amz-expires` counts from `x-amz-date`, and so do those of the other families.
        Ok(seconds) if (1..=SECONDS_MAX).contains(&seconds) => {
            let date = format!("{}date", name.strip_suffix("expires")?);
            let (_, begin) = members.iter().find(|(name, _)| *name == date)?;
            Some(instant(begin)?.plus_ms(seconds * 1_000))
        }
        _ => instant(value),
    }
}

fn sign_time(value: &str) -> Option<UnixMs> {
    instant(value.split([';', ',']).nth(1)?)
}

/// A signature that holds its members within: of COS, new (`q-sign-time=…`) or old (base64 of `a=…&e=<end>&…`).
fn signed(value: &str) -> Option<UnixMs> {
    let find = |text: &str, name: &str| {
        let member = text.split('&').find_map(|member| member.strip_prefix(name))?;
        Some(member.to_owned())
    };
    if let Some(time) = find(value, "q-sign-time=") {
        return sign_time(&decode(&time));
    }
    // The signature itself is bytes.
    let text = String::from_utf8_lossy(&base64(value)?).into_owned();
    instant(&find(&text, "e=")?)
}

/// A policy of CloudFront: base64 of JSON with `"AWS:EpochTime":<end>`.
fn policy(value: &str) -> Option<UnixMs> {
    let text = String::from_utf8_lossy(&base64(value)?).into_owned();
    let (_, rest) = text.split_once("LessThan")?;
    let (_, rest) = rest.split_once("EpochTime\"")?;
    let digits = rest.trim_start_matches([':', ' ']);
    let digits = digits.split(|sign: char| !sign.is_ascii_digit()).next()?;
    instant(digits)
}

/// An instant as seconds or milliseconds since 1970, or in ISO 8601, basic or extended.
fn instant(text: &str) -> Option<UnixMs> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    match whole.parse::<i64>() {
        Ok(number) if (EPOCH_MS_MIN..EPOCH_MS_MIN * 1_000).contains(&number) => {
            Some(UnixMs(number))
        }
        // Eight digits are a date.
        Ok(number) if (EPOCH_SECONDS_MIN..EPOCH_MS_MIN).contains(&number) => {
            Some(UnixMs(number * 1_000))
        }
        _ => iso(text),
    }
}

/// `YYYYMMDD` or `YYYY-MM-DD`, perhaps a time behind a `T` or blank, with `Z`, an offset, or UTC.
fn iso(text: &str) -> Option<UnixMs> {
    if !text.is_ascii() {
        return None;
    }
    let text = text.to_ascii_uppercase();
    let split = text.find(['T', ' ']).unwrap_or(text.len());
    let (date, rest) = text.split_at(split);
    let date: String = date.chars().filter(|sign| *sign != '-').collect();
    let rest = rest.get(1..).unwrap_or_default();
    let end = rest.find(['Z', '+', '-', ' ']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at(end);
    let time = time.split(['.', ',']).next().unwrap_or_default();
    let time: String = time.chars().filter(|sign| *sign != ':').collect();
    let time = format!("{time:0<6}");
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    let (year, month, day) = (number(&date[0..4])?, number(&date[4..6])?, number(&date[6..8])?);
    let (hour, minute, second) = (number(&time[0..2])?, number(&time[2..4])?, number(&time[4..6])?);
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month);
    if !is_date || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(UnixMs((seconds - offset_seconds(offset)?) * 1_000))
}

fn offset_seconds(offset: &str) -> Option<i64> {
    let sign = match offset.chars().next() {
        None | Some('Z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = offset[1..].chars().filter(|sign| *sign != ':').collect();
    let digits = format!("{digits:0<4}");
    let (hours, minutes) = (number(digits.get(0..2)?)?, number(digits.get(2..4)?)?);
    (hours <= 18 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day that comes and goes is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// Undoes the percent-encoding; what is none stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let encoded = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match encoded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The bytes of a base64 text of any of the usual alphabets; none when it is no such text.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for sign in text.bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' | b'-' | b' ' => 62,
            b'/' | b'~' => 63,
            // CloudFront writes the padding so.
            b'=' | b'_' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-18T12:26:40Z.
    const END: i64 = 1_795_004_800;

    #[test]
    fn a_signed_link_says_when_it_ends() {
        let old_cos = "YT0xJmI9dCZrPXgmZT0xNzk1MDA0ODAwJnQ9MSZyPTImZj0=";
        for query in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261118T122540Z&X-Amz-Expires=60&X-Amz-Signature=a",
            "x-amz-expires=60&x-amz-date=20261118T122540Z",
            "X-Goog-Date=20261118T112640Z&X-Goog-Expires=3600",
            "x-oss-date=20261118T122540Z&x-oss-expires=60&x-oss-signature=b",
            "X-Tos-Date=20261118T122540Z&X-Tos-Expires=60",
            "Expires=1795004800&OSSAccessKeyId=a&Signature=b%2Bc%3D",
            "AWSAccessKeyId=a&expires=1795004800000",
            "x-expires=1795004800&x-signature=a",
            "q-sign-algorithm=sha1&q-sign-time=1795000000%3B1795004800&q-key-time=1;2",
            "sign=q-sign-algorithm%3Dsha1%26q-sign-time%3D1795000000%253B1795004800%26q-ak%3Da",
            &format!("sign={old_cos}"),
            "sv=2022-11-02&st=2026-11-18T10%3A00%3A00Z&se=2026-11-18T12%3A26%3A40Z&sr=b&sig=a%3D",
            "se=2026-11-18T20%3A26%3A40%2B08%3A00",
            "se=2026-11-18T20:26:40+08:00",
            "se=20261118T122640Z",
            "e=1795004800&token=a:b",
            "Expires=2026-11-18%2012:26:40",
            "expiration=2026-11-18T12:26:40.999Z",
            "deadline=1795004800.5",
            "a=1&expires=1795009999&e=1795004800",
            "Policy=eyJTdGF0ZW1lbnQiOlt7IkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc5NTAwNDgwMH19fV19",
        ] {
            let url = format!("https://host.example/a/b.pdf?{query}#page=1");
            assert_eq!(link_ends_at(&url), Some(UnixMs(END * 1_000)), "{query}");
        }
        let day = link_ends_at("https://h.example/?se=2026-11-18");
        assert_eq!(day, Some(UnixMs((END - 44_800) * 1_000)));
    }

    #[test]
    fn what_does_not_say_when_it_ends_has_no_end() {
        for url in [
            "https://h.example/a.pdf",
            "https://h.example/a.pdf#?expires=1795004800",
            "https://h.example/a.pdf?expires=3600",
            "https://h.example/a.pdf?expires=never&e=&se=x",
            "https://h.example/a.pdf?X-Amz-Date=nonsense&X-Amz-Expires=60",
            "https://h.example/a.pdf?X-Amz-Date=20261118T122540Z&X-Amz-Expires=99999999999999999999",
            "https://h.example/a.pdf?se=2026-13-40T99:99:99Z&sign=%E4%B8%AD&policy=////",
            "https://h.example/a.pdf?e=1795004800é&sign=a&%=%&expires=-1",
            "https://h.example/a.pdf?date=1795004800&sign=deadbeef&q-sign-time=1",
        ] {
            assert_eq!(link_ends_at(url), None, "{url}");
        }
    }
}
