//! Spelling a MESSAGE (RFC 3428) with a CPIM body that asks for a receipt, reading what comes back, answering it.

use crate::flood::{digits, scatter};

/// How RFC 3261 §8.1.1.7 begins every branch; our number follows.
const COOKIE: &[u8] = b"z9hG4bK";
const TOKEN_DIGITS: usize = 16;
/// Stands where the token of a message goes: hexadecimal, in its branch, tag and ids.
const TOKEN: &str = "TTTTTTTTTTTTTTTT";
/// Stand where the last digits of the two numbers go.
const FROM: &str = "FFFFFFFF";
const TO: &str = "OOOOOOOO";

/// A message with gaps; each is filled at every place where it stands.
pub(crate) struct Template {
    octets: Vec<u8>,
    tokens: Vec<usize>,
    from: Vec<usize>,
    to: Vec<usize>,
    /// Which line of the run this is, in the upper digits of each token.
    line: u64,
}

impl Template {
    /// `transport` as in Via, `local` where answers come to.
    pub(crate) fn new(line: u64, transport: &str, local: std::net::SocketAddr) -> Self {
        let body = format!(
            "From: <sip:anonymous@anonymous.invalid>\r\n\
             To: <sip:anonymous@anonymous.invalid>\r\n\
             NS: imdn <urn:ietf:params:imdn>\r\n\
             imdn.Message-ID: {TOKEN}\r\n\
             DateTime: 2026-03-01T09:30:00.000+09:00\r\n\
             imdn.Disposition-Notification: positive-delivery\r\n\
             \r\n\
             Content-Type: text/plain;charset=UTF-8\r\n\
             \r\n\
             Your parcel {TOKEN} arrives between 14 and 16 o'clock."
        );
        let head = format!(
            "MESSAGE tel:+8210{TO} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};branch=z9hG4bK{TOKEN};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <tel:+8210{FROM}>;tag={TOKEN}\r\n\
             To: <tel:+8210{TO}>\r\n\
             Call-ID: {TOKEN}@bench.invalid\r\n\
             CSeq: 1 MESSAGE\r\n\
             P-Asserted-Identity: <tel:+8210{FROM}>\r\n\
             P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg\r\n\
             Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n\
             Conversation-ID: c{TOKEN}\r\n\
             Contribution-ID: m{TOKEN}\r\n\
             Content-Type: message/cpim\r\n\
             Content-Length: {}\r\n\
             \r\n",
            body.len()
        );
        let text = head + &body;
        let places = |gap: &str| text.match_indices(gap).map(|(at, _)| at).collect();
        Self { tokens: places(TOKEN), from: places(FROM), to: places(TO), octets: text.into_bytes(), line }
    }

    /// Appends message `number`; the same number is the same message each time.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.octets);
        let message = &mut out[begin..];
        let token = token(self.line, number);
        // Both people change with each message, and no two lines write to the same ones in the same order.
        let (mut from, mut to) = ([0; FROM.len()], [0; TO.len()]);
        digits(&mut to, scatter(number ^ (self.line << 40)));
        digits(&mut from, scatter(!number ^ (self.line << 40)));
        for (places, filling) in [(&self.tokens, &token[..]), (&self.from, &from), (&self.to, &to)] {
            for &at in places {
                message[at..at + filling.len()].copy_from_slice(filling);
            }
        }
    }

    /// The number of one of this line's messages, from the branch of an answer.
    pub(crate) fn number(&self, answer: &[u8]) -> Option<u64> {
        let branch = find(answer, COOKIE)? + COOKIE.len();
        let token = answer.get(branch..branch + TOKEN_DIGITS)?;
        let token = u64::from_str_radix(std::str::from_utf8(token).ok()?, 16).ok()?;
        (token >> NUMBER_BITS == self.line).then_some(token & NUMBER_MAX)
    }
}

const NUMBER_BITS: u32 = 48;
const NUMBER_MAX: u64 = (1 << NUMBER_BITS) - 1;

fn token(line: u64, number: u64) -> [u8; TOKEN_DIGITS] {
    let mut rest = (line << NUMBER_BITS) | (number & NUMBER_MAX);
    let mut token = [0; TOKEN_DIGITS];
    for digit in token.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 0xF) as usize];
        rest >>= 4;
    }
    token
}

/// What came in, as far as a judge cares.
pub(crate) enum Incoming {
    Answer(u16),
    /// A MESSAGE; whether it holds a receipt (RFC 5438).
    Message {
        notification: bool,
    },
    Other,
}

pub(crate) fn read(octets: &[u8]) -> Incoming {
    if let Some(rest) = octets.strip_prefix(b"SIP/2.0 ") {
        let status = rest.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        return status.map_or(Incoming::Other, Incoming::Answer);
    }
    if octets.starts_with(b"MESSAGE ") {
        return Incoming::Message { notification: find(octets, b"imdn+xml").is_some() };
    }
    Incoming::Other
}

/// The headers that an answer takes over (RFC 3261 §8.2.6.2), by name and compact name.
const TAKEN_OVER: &[&str] =
    &["via:", "v:", "from:", "f:", "to:", "t:", "call-id:", "i:", "cseq:", "record-route:"];

/// Appends a 200 to a request.
pub(crate) fn answer(request: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"SIP/2.0 200 OK\r\n");
    let end = find(request, b"\r\n\r\n").unwrap_or(request.len());
    // A head that is no UTF-8 gets no answer that anybody could use.
    let head = std::str::from_utf8(&request[..end]).unwrap_or_default();
    for line in head.split('\n').skip(1) {
        let line = line.trim_end_matches('\r');
        let name = line.split_inclusive(':').next().unwrap_or_default();
        let Some(known) = TAKEN_OVER.iter().find(|known| name.eq_ignore_ascii_case(known)) else { continue };
        out.extend_from_slice(line.as_bytes());
        if matches!(*known, "to:" | "t:") && !line.contains(";tag=") {
            out.extend_from_slice(b";tag=sink");
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// Octets of the first message of a stream, when it is whole.
pub(crate) fn whole(octets: &[u8]) -> Option<usize> {
    let head = find(octets, b"\r\n\r\n")? + 4;
    let length = content_length(&octets[..head])?;
    (octets.len() >= head + length).then_some(head + length)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let at = find(head, b"\nContent-Length:").map(|at| at + 16).or_else(|| {
        // Rare spellings take the long way.
        let lower = head.to_ascii_lowercase();
        find(&lower, b"\ncontent-length:")
            .map(|at| at + 16)
            .or_else(|| find(&lower, b"\nl:").map(|at| at + 3))
    })?;
    let digits = std::str::from_utf8(&head[at..]).ok()?.split('\r').next()?;
    digits.trim().parse().ok()
}

/// Where `needle` first stands. Its first octet is looked for with the fast search of the standard library.
fn find(octets: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(rest) = octets.get(from..) {
        let at = from + position(rest, needle[0])?;
        if octets[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Eight octets at a time.
fn position(octets: &[u8], wanted: u8) -> Option<usize> {
    const STEP: usize = 16;
    let mut at = 0;
    for chunk in octets.chunks_exact(STEP) {
        // Without a branch inside, the compiler compares all of them at once.
        if chunk.iter().fold(false, |any, &octet| any | (octet == wanted)) {
            break;
        }
        at += STEP;
    }
    octets[at..].iter().position(|&octet| octet == wanted).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        Template::new(3, "UDP", "127.0.0.1:5070".parse().unwrap())
    }

    fn message(number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        template().write(number, &mut out);
        out
    }

    #[test]
    fn every_message_is_another_and_fits_into_a_datagram() {
        let (first, second) = (message(1), message(2));
        assert_eq!(first.len(), second.len());
        assert!(first.len() < 1300, "{} octets go over UDP (RFC 3261 §18.1.1)", first.len());
        assert_ne!(first, second);
        assert_eq!(first, message(1), "a retransmission is the same octets");
        let text = String::from_utf8(first).unwrap();
        assert!(!text.contains("TTTT") && !text.contains("FFFF") && !text.contains("OOOO"), "{text}");
        assert_eq!(text.matches("0003000000000001").count(), 7, "{text}");
    }

    #[test]
    fn an_answer_is_found_by_its_branch() {
        let mut answer_octets = Vec::new();
        answer(&message(77), &mut answer_octets);
        assert!(matches!(read(&answer_octets), Incoming::Answer(200)));
        assert_eq!(template().number(&answer_octets), Some(77));
        let other = Template::new(4, "UDP", "127.0.0.1:5070".parse().unwrap());
        assert_eq!(other.number(&answer_octets), None);
        let text = String::from_utf8(answer_octets).unwrap();
        assert!(text.contains("To: <tel:+8210") && text.contains(";tag=sink\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 0\r\n\r\n") && !text.contains("Max-Forwards"), "{text}");
    }

    #[test]
    fn a_stream_is_cut_by_content_length_in_every_spelling() {
        let one = message(1);
        for octets in 0..one.len() {
            assert_eq!(whole(&one[..octets]), None);
        }
        assert_eq!(whole(&[&one[..], b"MESSAGE"].concat()), Some(one.len()));
        for name in ["content-length: ", "l:", "CONTENT-LENGTH:"] {
            let octets = format!("SIP/2.0 200 OK\r\n{name}2\r\n\r\nabMESSAGE");
            assert_eq!(whole(octets.as_bytes()), Some(octets.len() - 7));
        }
    }

    #[test]
    fn receipts_are_told_from_texts() {
        let receipt = b"MESSAGE tel:+82 SIP/2.0\r\n\r\nContent-Type: message/imdn+xml\r\n";
        assert!(matches!(read(receipt), Incoming::Message { notification: true }));
        assert!(matches!(read(&message(1)), Incoming::Message { notification: false }));
        assert!(matches!(read(b"\r\n\r\n"), Incoming::Other));
    }

    #[test]
    fn a_search_finds_what_stands_anywhere() {
        for at in 0..70 {
            let octets = [&vec![b'.'; at][..], b"needle"].concat();
            assert_eq!(find(&octets, b"needle"), Some(at));
            assert_eq!(find(&octets[..octets.len() - 1], b"needle"), None);
        }
    }
}
