//! The grammar of the headers that decide where a message goes and what becomes of it. Whoever holds a message that was
//! read need not ask again whether these can be read.

use crate::address::NameAddr;
use crate::cseq::CSeq;
use crate::fault::{Fault, Malformed};
use crate::headers::Headers;
use crate::limits::Limits;
use crate::method::Method;
use crate::name::Name;
use crate::octets::{self, List};
use crate::via::Via;

/// Hops that one octet can count (RFC 3261 §20.22).
const MAX_FORWARDS_MAX: u32 = 255;

/// Headers that stand once.
#[derive(Default)]
struct Seen {
    via: usize,
    from: bool,
    to: bool,
    call_id: bool,
    cseq: bool,
    max_forwards: bool,
    content_type: bool,
    expires: bool,
}

/// Checks all of them; `method` is the request's, or `None` in a response.
pub(crate) fn check(method: Option<&Method>, headers: &Headers, limits: &Limits) -> Result<(), Fault> {
    let mut seen = Seen::default();
    for (name, value) in headers.iter() {
        let label = name.label();
        let malformed = |what: Malformed| Fault::Malformed(label, what);
        match name {
            Name::Via => {
                seen.via = vias(value, seen.via, limits)?;
            }
            Name::From => {
                once(&mut seen.from, label)?;
                NameAddr::parse_with(value, limits.lenient).map_err(malformed)?;
            }
            Name::To => {
                once(&mut seen.to, label)?;
                NameAddr::parse_with(value, limits.lenient).map_err(malformed)?;
            }
            Name::CallId => {
                once(&mut seen.call_id, label)?;
                if value.is_empty() || !value.iter().all(u8::is_ascii_graphic) {
                    return Err(malformed(Malformed::Token));
                }
            }
            Name::CSeq => {
                once(&mut seen.cseq, label)?;
                let cseq = CSeq::parse(value).ok_or(Fault::Malformed(label, Malformed::Number))?;
                if method.is_some_and(|method| *method != cseq.method) {
                    return Err(Fault::CSeqMethod);
                }
            }
            Name::MaxForwards => {
                once(&mut seen.max_forwards, label)?;
                if octets::number(value).ok().is_none_or(|hops| hops > MAX_FORWARDS_MAX) {
                    return Err(malformed(Malformed::Number));
                }
            }
            Name::ContentType => once(&mut seen.content_type, label)?,
            Name::Expires => once(&mut seen.expires, label)?,
            Name::Contact => {
                for contact in List::new(value).filter(|contact| *contact != b"*") {
                    NameAddr::parse_with(contact, limits.lenient).map_err(malformed)?;
                }
            }
            Name::Route | Name::RecordRoute | Name::Path | Name::ServiceRoute => {
                for route in List::new(value) {
                    NameAddr::parse_with(route, limits.lenient).map_err(malformed)?;
                }
            }
            _ => {}
        }
    }
    let present = [
        (seen.via > 0, Name::Via),
        (seen.from, Name::From),
        (seen.to, Name::To),
        (seen.call_id, Name::CallId),
        (seen.cseq, Name::CSeq),
    ];
    match present.iter().find(|(present, _)| !present) {
        Some((_, name)) => Err(Fault::Missing(name.label())),
        None => Ok(()),
    }
}

fn once(seen: &mut bool, label: &'static str) -> Result<(), Fault> {
    if std::mem::replace(seen, true) { Err(Fault::Repeated(label)) } else { Ok(()) }
}

fn vias(value: &[u8], mut count: usize, limits: &Limits) -> Result<usize, Fault> {
    let malformed = |what| Fault::Malformed(Name::Via.label(), what);
    let mut rest = value;
    loop {
        count += 1;
        if count > limits.vias {
            return Err(Fault::TooManyVias);
        }
        match Via::parse_prefix(rest).map_err(malformed)? {
            (_, [_comma, after @ ..]) => rest = after,
            (_, []) => break,
        }
    }
    Ok(count)
}
