//! Numbers in URIs: `tel:` (RFC 3966), `sip:` with a number as its user (RFC 3261 §19.1.6, rcs sheet §14.2).

use std::{borrow::Cow, fmt};

use model::{Address, Npi, Number, NumberingPlan, Pii, Ton};
use sip_message::{Scheme, Uri};
use smol_str::SmolStr;

/// Digits of a number; E.164 has 15, and dial strings are not much longer.
const DIGITS_MAX: usize = 32;

/// A subscriber, however the number is written: `+` and E.164 where there is such a form, else what was dialled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line(SmolStr);

impl Line {
    #[must_use]
    pub fn of(number: &Number, plan: &NumberingPlan) -> Self {
        match plan.e164(number) {
            Some(msisdn) => Self(smol_str::format_smolstr!("+{}", msisdn.as_u64())),
            None => Self(number.digits.clone()),
        }
    }

    /// With `+` when it is an E.164 number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the gateway keeps numbers.
    #[must_use]
    pub fn number(&self) -> Number {
        Number::written(&self.0)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", Pii::new(self.0.as_str()))
    }
}

/// The number that a URI stands for; `None` when it stands for something else.
pub fn number_of<T: AsRef<str>>(uri: &Uri<T>) -> Option<Number> {
    match uri.scheme() {
        Scheme::Tel => subscriber(uri.tel_number()?),
        Scheme::Sip | Scheme::Sips => {
            let user = unescaped(uri.user()?);
            // A telephone-subscriber as user part may have parameters of its own (RFC 3261 §19.1.6).
            subscriber(user.split(';').next()?)
        }
        Scheme::Other => None,
    }
}

/// Digits without visual separators (RFC 3966 §3).
fn subscriber(text: &str) -> Option<Number> {
    let (global, local) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let ok = |b: u8| b.is_ascii_digit() || (!global && matches!(b, b'*' | b'#'));
    let mut digits = [0_u8; DIGITS_MAX];
    let mut length = 0;
    for b in local.bytes().filter(|b| !matches!(b, b'-' | b'.' | b'(' | b')')) {
        if !ok(b) {
            return None;
        }
        *digits.get_mut(length)? = b;
        length += 1;
    }
    let digits = std::str::from_utf8(digits.get(..length)?).ok().filter(|digits| !digits.is_empty())?;
    let ton = if global { Ton::INTERNATIONAL } else { Ton::UNKNOWN };
    Some(Number { ton, npi: Npi::E164, digits: SmolStr::new(digits) })
}

/// `%2B` and the like undone (RFC 3261 §19.1.2). What is no escape stays.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, after @ ..] => {
                let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (octet, after) = escaped.unwrap_or((*first, after));
        plain.push(octet);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// How we write people in URIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `sip:+8210…@domain`, as they register: clients tell people apart by every letter of it, so there is no
    /// `user=phone` at one time that is not there at another.
    Sip,
    /// `tel:+8210…`: what IMS cores route by.
    Tel,
}

/// The URI of somebody. A sender without a number keeps its name as user part.
#[must_use]
pub fn uri_of(address: &Address, domain: &str, spelling: Spelling) -> SmolStr {
    let mut uri = smol_str::SmolStrBuilder::new();
    // Writing into a builder cannot fail.
    let _written = write_uri(&mut uri, address, domain, spelling);
    uri.finish()
}

/// The same, behind what `out` holds.
pub(crate) fn write_uri(
    out: &mut impl fmt::Write,
    address: &Address,
    domain: &str,
    spelling: Spelling,
) -> fmt::Result {
    let all =
        |out: &mut dyn fmt::Write, pieces: &[&str]| pieces.iter().try_for_each(|piece| out.write_str(piece));
    match address {
        Address::Number(number) if number.ton == Ton::ALPHANUMERIC => {
            out.write_str("sip:")?;
            escaped(&number.digits, out)?;
            all(out, &["@", domain])
        }
        Address::Number(number) => {
            let plus = if number.ton == Ton::INTERNATIONAL { "+" } else { "" };
            let digits = number.digits.trim_start_matches('+');
            // A `#` or a stranger can only be escaped in a user part.
            let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'*');
            match spelling {
                Spelling::Tel if plain && plus.is_empty() => {
                    all(out, &["tel:", digits, ";phone-context=", domain])
                }
                Spelling::Tel if plain => all(out, &["tel:+", digits]),
                _ if plain => all(out, &["sip:", plus, digits, "@", domain]),
                _ => {
                    all(out, &["sip:", plus])?;
                    escaped(digits, out)?;
                    all(out, &["@", domain])
                }
            }
        }
        Address::User(user) => {
            out.write_str("sip:")?;
            escaped(&user.id, out)?;
            all(out, &["@", &user.messenger, ".", domain])
        }
    }
}

/// Who a message is from and to, as it says itself and as its envelope says: liblinphone takes only messages in which
/// both agree.
#[derive(Clone, PartialEq, Eq)]
pub struct Ends {
    pub from: SmolStr,
    pub to: SmolStr,
}

impl Ends {
    #[must_use]
    pub fn of(from: &Address, to: &Address, domain: &str, spelling: Spelling) -> Self {
        Self { from: uri_of(from, domain, spelling), to: uri_of(to, domain, spelling) }
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

/// As a user part: anything but unreserved characters is percent-encoded.
fn escaped(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'*') {
            out.write_char(char::from(b))?;
        } else {
            write!(out, "%{b:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> Option<(u8, String)> {
        let number = number_of(&Uri::new(uri).expect("a URI"))?;
        Some((number.ton.0, number.digits.to_string()))
    }

    #[test]
    fn numbers_are_found_in_every_spelling() {
        for uri in [
            "tel:+82-10-1111-0001",
            "tel:+821011110001;npdi;rn=+8299",
            "sip:+821011110001@ims.example",
            "sip:+821011110001@192.0.2.1:5060;user=phone;transport=tcp",
            "sips:%2B821011110001@ims.example",
            "sip:+821011110001;npdi@ims.example;user=phone",
        ] {
            assert_eq!(read(uri), Some((1, "821011110001".into())), "{uri}");
        }
        assert_eq!(read("tel:15881234;phone-context=ims.example"), Some((0, "15881234".into())));
        assert_eq!(read("tel:*67#"), Some((0, "*67#".into())));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for uri in ["sip:alice@ims.example", "sip:ims.example", "mailto:a@b", "sip:+82abc@ims.example"] {
            assert_eq!(read(uri), None, "{uri}");
        }
        assert_eq!(read(&format!("tel:{}", "1".repeat(DIGITS_MAX + 1))), None);
    }

    #[test]
    fn one_person_is_one_line_however_written() {
        let plan = NumberingPlan::korea();
        let line = |text: &str| Line::of(&Number::written(text), &plan);
        assert_eq!(line("+821011110001"), line("010-1111-0001"));
        assert_eq!(line("+821011110001").as_str(), "+821011110001");
        assert_eq!(line("15881234").as_str(), "15881234");
        assert_eq!(Line::of(&line("010-1111-0001").number(), &plan), line("+821011110001"));
        assert!(!format!("{:?}", line("+821011110001")).contains("8210"));
    }

    #[test]
    fn uris_are_written_so_that_they_are_read_back() {
        let plan = NumberingPlan::korea();
        for text in ["+821011110001", "15881234", "#1234"] {
            for spelling in [Spelling::Sip, Spelling::Tel] {
                let number = Number::written(text);
                let uri = uri_of(&Address::Number(number.clone()), "ims.example", spelling);
                let Ok(read) = Uri::new(&uri) else { panic!("{uri}") };
                let read = number_of(&read).expect("a number");
                assert_eq!(Line::of(&read, &plan), Line::of(&number, &plan), "{uri}");
            }
        }
        let name = Address::Number(Number::written("A & B"));
        assert_eq!(uri_of(&name, "ims.example", Spelling::Tel), "sip:A%20%26%20B@ims.example");
        let user = Address::User(model::User { messenger: "tictoc".into(), id: "mina@x".into() });
        assert_eq!(uri_of(&user, "ims.example", Spelling::Sip), "sip:mina%40x@tictoc.ims.example");
    }
}
