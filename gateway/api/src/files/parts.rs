//! `multipart/form-data` (RFC 7578, RFC 2046 §5.1) as it arrives: octets in, parts out, nothing kept but what may be the
//! beginning of a boundary.

use bytes::{Buf, Bytes, BytesMut};

use super::name::Disposition;

/// Octets of the head of one part.
const HEAD_OCTETS_MAX: usize = 8 << 10;
/// Headers of one part.
const HEADERS_MAX: usize = 16;
/// Octets before the first boundary, and of blanks behind one.
const PADDING_OCTETS_MAX: usize = 1 << 10;
/// Parts of one body.
const PARTS_MAX: usize = 8;
/// RFC 2046 §5.1.1.
const BOUNDARY_OCTETS_MAX: usize = 70;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Begin(Head),
    /// Some of the content.
    Data(Bytes),
    End,
    /// The last boundary; what follows is ignored.
    Finished,
}

/// The head of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    /// Decoded; not yet clean.
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    NoBoundary,
    AfterBoundary,
    HeadTooLong,
    Head,
    Encoded,
    TooManyParts,
}

impl Malformed {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::NoBoundary => "the body does not begin with the boundary of its content type",
            Self::AfterBoundary => "something else than a line end follows a boundary",
            Self::HeadTooLong => "the head of a part is too long or has too many headers",
            Self::Head => "the head of a part is not `name: value`, or does not name a form field",
            Self::Encoded => "a part is encoded; send it as it is",
            Self::TooManyParts => "the body has too many parts",
        }
    }
}

/// The boundary of a `multipart/form-data`.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (essence, params) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = params.split(';').find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let value = value.strip_prefix('"').map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
    // No quotes, no controls, and no semicolon: nobody writes them.
    let plain = value.bytes().all(|octet| (b' '..=b'~').contains(&octet) && octet != b'"');
    (plain && (1..=BOUNDARY_OCTETS_MAX).contains(&value.len())).then_some(value)
}

/// Takes a body apart.
pub(super) struct Parts {
    /// CR LF, two dashes, and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    at: At,
    skipped: usize,
    parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Preamble,
    Boundary,
    Head,
    Content,
    Epilogue,
}

impl Parts {
    pub(super) fn new(boundary: &str) -> Self {
        // The first boundary has no line end before it; with one it is like the others.
        Self {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            buffer: BytesMut::from(&b"\r\n"[..]),
            at: At::Preamble,
            skipped: 0,
            parts: 0,
        }
    }

    /// More of the body. Take all events before the next.
    pub(super) fn push(&mut self, octets: &[u8]) {
        if self.at != At::Epilogue {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// The next event; `None` until there is more of the body.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Malformed> {
        loop {
            match self.at {
                At::Preamble => match find(&self.buffer, &self.delimiter) {
                    Ok(start) if self.skipped + start <= PADDING_OCTETS_MAX => {
                        self.buffer.advance(start + self.delimiter.len());
                        self.at = At::Boundary;
                    }
                    Err(kept) if self.skipped + kept <= PADDING_OCTETS_MAX => {
                        self.skipped += kept;
                        self.buffer.advance(kept);
                        return Ok(None);
                    }
                    _ => return Err(Malformed::NoBoundary),
                },
                At::Boundary => match self.after_boundary()? {
                    None => return Ok(None),
                    Some(At::Epilogue) => {
                        self.at = At::Epilogue;
                        self.buffer = BytesMut::new();
                        return Ok(Some(Event::Finished));
                    }
                    Some(next) => self.at = next,
                },
                At::Head => {
                    let Some(head) = self.head()? else { return Ok(None) };
                    self.at = At::Content;
                    return Ok(Some(Event::Begin(head)));
                }
                At::Content => {
                    return Ok(match find(&self.buffer, &self.delimiter) {
                        Ok(0) => {
                            self.buffer.advance(self.delimiter.len());
                            self.at = At::Boundary;
                            Some(Event::End)
                        }
                        Ok(octets) | Err(octets) if octets > 0 => {
                            Some(Event::Data(self.buffer.split_to(octets).freeze()))
                        }
                        _ => None,
                    });
                }
                At::Epilogue => return Ok(None),
            }
        }
    }

    /// Two dashes end the body; a line end, after blanks, begins a part.
    fn after_boundary(&mut self) -> Result<Option<At>, Malformed> {
        if self.buffer.starts_with(b"--") {
            return Ok(Some(At::Epilogue));
        }
        let blanks = self.buffer.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let rest = self.buffer.get(blanks..).unwrap_or_default();
        if blanks > PADDING_OCTETS_MAX {
            return Err(Malformed::AfterBoundary);
        }
        if rest.starts_with(b"\r\n") {
            self.parts += 1;
            if self.parts > PARTS_MAX {
                return Err(Malformed::TooManyParts);
            }
            // The line end stays: a head without headers is a single empty line.
            self.buffer.advance(blanks);
            return Ok(Some(At::Head));
        }
        let undecided = rest.is_empty() || rest == b"\r" || (blanks == 0 && rest == b"-");
        if undecided { Ok(None) } else { Err(Malformed::AfterBoundary) }
    }

    /// The line end of the boundary, the headers, and an empty line.
    fn head(&mut self) -> Result<Option<Head>, Malformed> {
        let Ok(end) = find(&self.buffer, b"\r\n\r\n") else {
            return if self.buffer.len() > HEAD_OCTETS_MAX { Err(Malformed::HeadTooLong) } else { Ok(None) };
        };
        if end > HEAD_OCTETS_MAX {
            return Err(Malformed::HeadTooLong);
        }
        let octets = self.buffer.split_to(end + 4);
        let text = octets.get(2..end).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| Malformed::Head)?;
        let mut head = Head::default();
        let mut named = false;
        for (number, line) in text.split("\r\n").filter(|line| !line.is_empty()).enumerate() {
            if number >= HEADERS_MAX {
                return Err(Malformed::HeadTooLong);
            }
            let (name, value) = line.split_once(':').ok_or(Malformed::Head)?;
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("content-disposition") {
                let disposition = Disposition::parse(value).ok_or(Malformed::Head)?;
                head.name = disposition.name.ok_or(Malformed::Head)?;
                head.filename = disposition.filename;
                named = true;
            } else if name.eq_ignore_ascii_case("content-type") {
                head.content_type = Some(value.to_owned());
            } else if name.eq_ignore_ascii_case("content-transfer-encoding")
                && !["binary", "8bit", "7bit"].iter().any(|plain| value.eq_ignore_ascii_case(plain))
            {
                return Err(Malformed::Encoded);
            }
        }
        if named { Ok(Some(head)) } else { Err(Malformed::Head) }
    }
}

/// Where `needle` begins; otherwise how many octets certainly do not belong to one.
fn find(hay: &[u8], needle: &[u8]) -> Result<usize, usize> {
    let mut from = 0;
    let first = needle.first().copied().unwrap_or_default();
    while let Some(at) = hay.get(from..).and_then(|rest| rest.iter().position(|octet| *octet == first)) {
        let start = from + at;
        let rest = hay.get(start..).unwrap_or_default();
        if rest.starts_with(needle) {
            return Ok(start);
        }
        if needle.starts_with(rest) {
            return Err(start);
        }
        from = start + 1;
    }
    Err(hay.len())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Every part with its content, and whether the end was seen.
    type Taken = Result<(Vec<(Head, Vec<u8>, bool)>, bool), Malformed>;

    fn take<'a>(boundary: &str, chunks: impl IntoIterator<Item = &'a [u8]>) -> Taken {
        let mut parts = Parts::new(boundary);
        let (mut taken, mut finished) = (Vec::new(), false);
        for chunk in chunks {
            parts.push(chunk);
            while let Some(event) = parts.next()? {
                match event {
                    Event::Begin(head) => taken.push((head, Vec::new(), false)),
                    Event::Data(data) => taken.last_mut().unwrap().1.extend_from_slice(&data),
                    Event::End => taken.last_mut().unwrap().2 = true,
                    Event::Finished => finished = true,
                }
            }
            assert!(parts.buffer.len() <= chunk.len() + HEAD_OCTETS_MAX + 80, "{}", parts.buffer.len());
        }
        Ok((taken, finished))
    }

    fn upload(content: &[u8]) -> Vec<u8> {
        let mut body = b"--b0\r\nContent-Disposition: form-data; name=\"tid\"\r\nContent-Type: text/plain\r\n\r\nt-1\
            \r\n--b0 \t\r\nContent-Type: image/jpeg\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a.jpg\"\r\n\r\n"
            .to_vec();
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--b0--\r\nignored \r\n--b0\r\n");
        body
    }

    #[test]
    fn an_upload_is_taken_apart() {
        let (parts, finished) = take("b0", [&upload(b"\x00\r\n--b\r\n\r\n--")[..]]).unwrap();
        assert!(finished);
        let [(tid, id, true), (file, content, true)] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((tid.name.as_str(), id.as_slice()), ("tid", &b"t-1"[..]));
        assert_eq!((file.name.as_str(), file.filename.as_deref()), ("File", Some("a.jpg")));
        assert_eq!(file.content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(content, b"\x00\r\n--b\r\n\r\n--");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for (body, error) in [
            (&b"GET / HTTP/1.1"[..], None),
            (&[b'x'; 2_000], Some(Malformed::NoBoundary)),
            (b"--b0x\r\n\r\n", Some(Malformed::AfterBoundary)),
            (b"--b0-x", Some(Malformed::AfterBoundary)),
            (b"--b0\r\n\r\nno head", Some(Malformed::Head)),
            (b"--b0\r\nContent-Type: text/plain\r\n\r\n", Some(Malformed::Head)),
            (b"--b0\r\nno colon\r\n\r\n", Some(Malformed::Head)),
            (b"--b0\r\nContent-Disposition: attachment; name=x\r\n\r\n", Some(Malformed::Head)),
            (b"--b0\r\nContent-Disposition: form-data\r\n\r\n", Some(Malformed::Head)),
            (b"--b0\r\n\xff: x\r\n\r\n", Some(Malformed::Head)),
            (
                b"--b0\r\nContent-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                Some(Malformed::Encoded),
            ),
        ] {
            assert_eq!(take("b0", [body]).err(), error, "{}", String::from_utf8_lossy(body));
        }
        let huge = [b"--b0\r\nContent-Type: ", &[b'x'; 9_000][..], b"\r\n\r\n"].concat();
        assert_eq!(take("b0", [&huge[..]]).err(), Some(Malformed::HeadTooLong));
        assert_eq!(take("b0", huge.chunks(100)).err(), Some(Malformed::HeadTooLong));
        let many = format!("--b0\r\n{}\r\n", "X-a: b\r\n".repeat(17));
        assert_eq!(take("b0", [many.as_bytes()]).err(), Some(Malformed::HeadTooLong));
        let parts = "--b0\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n".repeat(9);
        assert_eq!(take("b0", [parts.as_bytes()]).err(), Some(Malformed::TooManyParts));
        let blanks = format!("--b0{}", " ".repeat(2_000));
        assert_eq!(take("b0", [blanks.as_bytes()]).err(), Some(Malformed::AfterBoundary));
    }

    #[test]
    fn boundaries_of_content_types() {
        for (content_type, is) in [
            ("multipart/form-data; boundary=b0", Some("b0")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"b 0\"", Some("b 0")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=b0", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"a\u{e9}\"", None),
        ] {
            assert_eq!(boundary(content_type), is, "{content_type}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "b".repeat(71))), None);
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r\n--b".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"--b0".to_vec()),
            vec(any::<u8>(), 0..40),
        ];
        vec(piece, 0..20).prop_map(|pieces| pieces.concat()).prop_filter("no boundary inside", |content| {
            !content.windows(6).any(|window| window == b"\r\n--b0") && !content.starts_with(b"--b0")
        })
    }

    proptest! {
        /// Wherever the network cuts, the same comes out.
        #[test]
        fn cuts_change_nothing(content in content(), cuts in vec(1_usize..50, 1..60)) {
            let body = upload(&content);
            let mut rest = &body[..];
            let mut chunks = Vec::new();
            for cut in cuts.iter().cycle() {
                let (chunk, after) = rest.split_at((*cut).min(rest.len()));
                chunks.push(chunk);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            let (parts, finished) = take("b0", chunks).unwrap();
            prop_assert!(finished);
            prop_assert_eq!(&parts[1].1, &content);
        }

        /// What has come out of a body that breaks off is a beginning of the content, and lacks no more than a boundary.
        #[test]
        fn what_breaks_off_is_a_beginning(content in content(), at in 0.0_f64..1.0) {
            let body = upload(&content);
            let whole = take("b0", [&body[..]]).unwrap().0[1].1.len();
            let cut = (body.len() as f64 * at) as usize;
            let start = body.len() - whole - b"\r\n--b0--\r\nignored \r\n--b0\r\n".len();
            if let Some((_, got, _)) = take("b0", [&body[..cut]]).unwrap().0.get(1) {
                prop_assert!(content.starts_with(got));
                prop_assert!(got.len() + 6 >= (cut - start).min(content.len()));
            }
        }

        #[test]
        fn any_octets_are_taken_or_refused(
            chunks in vec(prop_oneof![vec(any::<u8>(), 0..60), Just(b"\r\n--b0\r\n".to_vec()), Just(b"--b0--".to_vec())], 0..30),
        ) {
            drop(take("b0", chunks.iter().map(Vec::as_slice)));
        }
    }
}
