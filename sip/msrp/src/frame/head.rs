//! The lines of a head: what they say, and what is wrong with them (RFC 4975 §9).

use bytes::Bytes;
use smol_str::SmolStr;

use super::{Fault, Frame, Headers, Method, Request, Response};
use crate::{ByteRange, FailureReport, Path, ReportStatus, Status, TransactionId, limits::LINE_OCTETS_MAX};

pub(super) const START: &[u8; 5] = b"MSRP ";

/// What a start line begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Request(Method),
    Response(Status),
    /// The transaction can be answered, the rest is not understood.
    Neither,
}

/// Reads `MSRP tid …` without its line end; `None` when there is no legal transaction in it.
pub(super) fn start_line(line: &[u8]) -> Option<(TransactionId, Kind)> {
    let rest = line.strip_prefix(START)?;
    let (id, what) = match rest.iter().position(|octet| *octet == b' ') {
        Some(space) => (rest.get(..space)?, rest.get(space + 1..)?),
        None => (rest, &b""[..]),
    };
    let transaction = TransactionId::parse(id)?;
    let code = what.split(|octet| *octet == b' ').next().and_then(Status::parse);
    let kind = match (code, Method::parse(what)) {
        (Some(status), _) => Kind::Response(status),
        (None, Some(method)) => Kind::Request(method),
        (None, None) => Kind::Neither,
    };
    Some((transaction, kind))
}

/// What the header lines say. Everything is optional here; what is missing is judged at the end.
#[derive(Default)]
pub(super) struct Head {
    pub(super) to_path: Path,
    pub(super) from_path: Path,
    message_id: Option<SmolStr>,
    byte_range: Option<ByteRange>,
    success_report: Option<bool>,
    failure_report: Option<FailureReport>,
    status: Option<ReportStatus>,
    content_type: Option<SmolStr>,
    others: Headers,
    fault: Option<Fault>,
}

impl Head {
    /// Reads lines that each end with CRLF.
    pub(super) fn read(mut lines: &[u8]) -> Self {
        let mut head = Self::default();
        while let Some(end) = line_end(lines, 0) {
            let (line, rest) = lines.split_at(end);
            head.line(line.strip_suffix(b"\r\n").unwrap_or(line));
            lines = rest;
        }
        head
    }

    fn line(&mut self, line: &[u8]) {
        let Some((name, value)) = name_and_value(line) else { return self.fault(Fault::HeaderLine) };
        let octets = value.as_bytes();
        match lower_ascii(name).as_str() {
            "to-path" if self.to_path.is_empty() => match Path::parse(value) {
                Ok(path) => self.to_path = path,
                Err(_) => self.fault(Fault::ToPath),
            },
            "from-path" if self.from_path.is_empty() => match Path::parse(value) {
                Ok(path) => self.from_path = path,
                Err(_) => self.fault(Fault::FromPath),
            },
            "to-path" | "from-path" => self.fault(Fault::Twice),
            "message-id" => {
                // `ident` says 4 to 32 characters, but there are senders of longer ones.
                let legal = !octets.is_empty() && octets.iter().all(u8::is_ascii_graphic);
                self.once(|head| &mut head.message_id, legal.then(|| value.into()), Fault::MessageId);
            }
            "byte-range" => {
                self.once(|head| &mut head.byte_range, ByteRange::parse(octets), Fault::ByteRange);
            }
            "success-report" => {
                let wanted = match lower_ascii(value).as_str() {
                    "yes" => Some(true),
                    "no" => Some(false),
                    _ => None,
                };
                self.once(|head| &mut head.success_report, wanted, Fault::ReportWanted);
            }
            "failure-report" => {
                let wanted = FailureReport::parse(octets);
                self.once(|head| &mut head.failure_report, wanted, Fault::ReportWanted);
            }
            "status" => self.once(|head| &mut head.status, ReportStatus::parse(octets), Fault::Status),
            "content-type" => {
                let legal = value.contains('/').then(|| value.into());
                self.once(|head| &mut head.content_type, legal, Fault::ContentType);
            }
            _ => self.others.push(name, value),
        }
    }

    fn once<T>(&mut self, place: impl Fn(&mut Self) -> &mut Option<T>, value: Option<T>, fault: Fault) {
        match (place(self).is_some(), value) {
            (true, _) => self.fault(Fault::Twice),
            (false, None) => self.fault(fault),
            (false, value) => *place(self) = value,
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// The frame of this head, still without its body.
    pub(super) fn finish(mut self, transaction: TransactionId, kind: Kind) -> Frame {
        if self.to_path.is_empty() {
            self.fault(Fault::ToPath);
        }
        if self.from_path.is_empty() {
            self.fault(Fault::FromPath);
        }
        let method = match kind {
            Kind::Response(status) => {
                // The transaction says whose it is, whatever else is wrong with it.
                let Self { to_path, from_path, others, .. } = self;
                return Frame::Response(Response { transaction, status, to_path, from_path, others });
            }
            Kind::Request(method) => method,
            Kind::Neither => {
                self.fault(Fault::StartLine);
                Method::Other(SmolStr::default())
            }
        };
        if matches!(method, Method::Send | Method::Report) && self.message_id.is_none() {
            self.fault(Fault::MessageId);
        }
        if method == Method::Report && self.status.is_none() {
            self.fault(Fault::Status);
        }
        Frame::Request(Request {
            transaction,
            method,
            to_path: self.to_path,
            from_path: self.from_path,
            message_id: self.message_id,
            byte_range: self.byte_range,
            success_report: self.success_report.unwrap_or_default(),
            failure_report: self.failure_report.unwrap_or_default(),
            status: self.status,
            content_type: self.content_type,
            others: self.others,
            fault: self.fault,
            body: Bytes::new(),
            end: None,
        })
    }
}

/// Where the first line of `octets` ends, its CRLF included. `from`: octets that are known to have no end.
pub(super) fn line_end(octets: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(feed) = octets.get(at..)?.iter().position(|octet| *octet == b'\n') {
        at += feed + 1;
        if octets.get(..at).is_some_and(|line| line.ends_with(b"\r\n")) {
            return Some(at);
        }
    }
    None
}

/// No folding: a line that begins with a space is no header.
fn name_and_value(line: &[u8]) -> Option<(&str, &str)> {
    debug_assert!(line.len() <= LINE_OCTETS_MAX, "longer lines are refused before");
    let text = std::str::from_utf8(line).ok()?;
    let (name, value) = text.split_once(':')?;
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    let readable = !value.chars().any(|letter| letter.is_control() && letter != '\t');
    (!name.is_empty() && name.bytes().all(legal) && readable).then(|| (name, value.trim_matches([' ', '\t'])))
}

fn lower_ascii(text: &str) -> SmolStr {
    text.chars().map(|letter| letter.to_ascii_lowercase()).collect()
}
