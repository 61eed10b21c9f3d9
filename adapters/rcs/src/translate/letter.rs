//! The body of a message on its way to one device (rcs sheet §5, §7.1, §16.2).

use std::borrow::Cow;

use bytes::Bytes;
use model::{Body, Coded, Content, OutgoingMessage, Rich, Timestamp};
use sip_rcs::{
    Capabilities,
    cpim::{Address, Writer},
    features::iari,
    imdn::Requested,
    mime::{self, Kind},
};
use sms::{Alphabet, Udh, decode_text};

use super::{
    Ends,
    carried::Carried,
    content::{location_of, operation, transfer_of},
    words::normal,
};

/// How a body is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    #[default]
    Cpim,
    /// The words alone, for devices that refuse CPIM: no notifications come back.
    Plain,
    /// Short messages, for handsets that have nothing better (TS 24.341).
    Short,
}

/// A body with its type.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub content_type: &'static str,
    pub body: Bytes,
    /// The application (IARI) that a device must have to be given it.
    pub application: Option<&'static str>,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter")
            .field("content_type", &self.content_type)
            .field("octets", &self.body.len())
            .field("application", &self.application)
            .finish()
    }
}

/// Writes the body of a message.
///
/// `name` is its `imdn.Message-ID`; `carried` what its own network said, when that was RCS.
#[must_use]
pub fn letter(
    message: &OutgoingMessage,
    name: &str,
    carried: &Carried<'_>,
    ends: &Ends,
    capabilities: Capabilities,
    form: Form,
) -> Letter {
    let submission = &*message.submission;
    let words = words_of(&submission.content);
    if form != Form::Cpim {
        let body = Bytes::copy_from_slice(words.as_bytes());
        return Letter { content_type: mime::TEXT_UTF8, body, application: None };
    }
    let rich = match &submission.content {
        Content::Rich(rich) => inner(rich, carried.document, submission.received_at, capabilities),
        Content::Text(_) | Content::Coded(_) => None,
    };
    let octets = rich.as_ref().map_or(words.len(), |inner| inner.octets.len());
    let mut body = Vec::with_capacity(512 + carried.lines.len() + octets);
    let mut head = Writer::new(&mut body);
    // The sender's own name, under the address that we answer for.
    let display = carried.from.and_then(Address::read).and_then(|from| from.display);
    head = head.address("From", display.as_deref(), &ends.from).to(&ends.to);
    head = match carried.date_time {
        Some(date_time) => head.header("DateTime", date_time),
        None => head.date_time(submission.received_at.micros(), 0),
    };
    head = head.imdn(name, requested(message)).lines(carried.lines);
    if let Content::Rich(rich) = &submission.content
        && let Some(about) = &rich.about
        // What came with references of its own keeps them as they were.
        && !carried.referenced
    {
        head = head.operation(&operation(about));
    }
    let application = rich.as_ref().and_then(|inner| inner.application);
    match &rich {
        Some(inner) => head.content(&inner.content_type, &inner.octets),
        None => head.content(mime::TEXT_UTF8, words.as_bytes()),
    }
    Letter { content_type: mime::CPIM, body: body.into(), application }
}

/// Which notifications the device is asked for. A device is asked for both ends whenever a receipt is wanted: the
/// gateway wants to know how its message ended.
fn requested(message: &OutgoingMessage) -> Requested {
    let mut requested = Requested::NONE;
    if message.want_receipt {
        requested |= Requested::POSITIVE_DELIVERY | Requested::NEGATIVE_DELIVERY;
    }
    if message.submission.receipts.displayed {
        requested |= Requested::DISPLAY;
    }
    requested
}

struct Inner<'a> {
    content_type: Cow<'a, str>,
    octets: Bytes,
    application: Option<&'static str>,
}

/// Content in its own form, when the device has a use for it. `document` is the form in which it came.
fn inner<'a>(
    rich: &'a Rich,
    document: &[u8],
    at: Timestamp,
    capabilities: Capabilities,
) -> Option<Inner<'a>> {
    let is_rcs = capabilities.any_of(Capabilities::RCS);
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        if !document.is_empty() {
            return Bytes::copy_from_slice(document);
        }
        let mut octets = Vec::with_capacity(1_024);
        write(&mut octets);
        Bytes::from(octets)
    };
    match &rich.body {
        Body::Text => None,
        Body::Card(octets) => {
            let content_type = Cow::Borrowed("text/vcard");
            is_rcs.then(|| Inner { content_type, octets: octets.clone(), application: None })
        }
        Body::Opaque { media_type, octets } => {
            let readable = match Kind::of(media_type) {
                Kind::Encrypted => capabilities.contains(Capabilities::MLS),
                _ => is_rcs,
            };
            let content_type = Cow::Borrowed(media_type.as_str());
            readable.then(|| Inner { content_type, octets: octets.clone(), application: None })
        }
        Body::File(file) => capabilities.contains(Capabilities::FILE_HTTP).then(|| Inner {
            content_type: Cow::Borrowed(mime::FILE_TRANSFER),
            octets: written(&|out| transfer_of(file).write(out)),
            application: Some(iari::FILE_TRANSFER_HTTP),
        }),
        Body::Place(place) => {
            let location =
                location_of(place, at).filter(|_| capabilities.contains(Capabilities::GEO_PUSH))?;
            Some(Inner {
                content_type: Cow::Borrowed(mime::LOCATION),
                octets: written(&|out| location.write(out)),
                application: Some(iari::GEO_PUSH),
            })
        }
    }
}

/// What a device reads that only reads text.
#[must_use]
pub fn words_of(content: &Content) -> Cow<'_, str> {
    match content {
        Content::Text(text) => Cow::Borrowed(text),
        Content::Rich(rich) => Cow::Borrowed(&rich.text),
        Content::Coded(coded) => Cow::Owned(text_of(coded)),
    }
}

/// Octets that nobody reads: data, or something for an application.
#[must_use]
pub fn is_data(content: &Content) -> bool {
    let Content::Coded(coded) = content else { return false };
    let for_application = || {
        let header = coded.udhi.then(|| Udh::split(&coded.octets)).flatten();
        header.is_some_and(|(header, _)| header.ports().is_some())
    };
    alphabet_of(coded.data_coding) == Alphabet::Octets || for_application()
}

const fn alphabet_of(data_coding: u8) -> Alphabet {
    match data_coding {
        0x01 | 0x03 => Alphabet::Latin1,
        0x02 | 0x04 => Alphabet::Octets,
        0x08 | 0x18 | 0xE0..=0xEF => Alphabet::Ucs2,
        0x0E | 0x84 => Alphabet::Cp949,
        // Message classes: bit 2 says eight-bit data.
        0xF0..=0xFF if data_coding & 0x04 != 0 => Alphabet::Octets,
        _ => Alphabet::Gsm7,
    }
}

/// The text of a short message.
fn text_of(coded: &Coded) -> String {
    let decoded = decode_text(alphabet_of(coded.data_coding), &coded.octets, coded.udhi);
    let octets = decoded.octets.len();
    // Eight-bit data is no text; people see that something came.
    decoded.into_text().map_or_else(|| format!("[{octets} octets]"), |text| normal(&text).into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        About, Address, AttemptId, ChannelId, Class, MessageIds, Number, Pii, ReceiptsWanted, Relation,
        Submission, Timestamp,
    };
    use sip_rcs::{Cpim, cpim::Field};

    use super::*;

    fn message(content: Content) -> OutgoingMessage {
        let number = |text: &str| Pii::new(Address::Number(Number::written(text)));
        OutgoingMessage {
            attempt: AttemptId { slot: 0, generation: 0 },
            message: MessageIds::default().next(Timestamp::ZERO),
            submission: Arc::new(Submission {
                id: None,
                origin: ChannelId(1),
                from: number("15881234"),
                to: number("+821011110001"),
                class: Class::Person,
                receipts: ReceiptsWanted { displayed: true, ..ReceiptsWanted::FINAL },
                received_at: Timestamp::from_secs(1_740_789_000),
                scheduled_at: None,
                expires_at: None,
                reference: None,
                idempotency_key: None,
                carried: Bytes::new(),
                part: None,
                charging_id: None,
                elsewhere: None,
                content,
            }),
            from: None,
            to: None,
            concat_ref: 0,
            want_receipt: true,
            possible_duplicate: false,
        }
    }

    fn ends() -> Ends {
        Ends { from: "tel:15881234".into(), to: "tel:+821011110001".into() }
    }

    fn read(letter: &Letter) -> Cpim {
        assert_eq!(letter.content_type, "message/cpim");
        Cpim::read(letter.body.clone()).expect("what we write can be read")
    }

    /// Rcs sheet §5 and RFC 5438 §6: id, time and what is wanted.
    #[test]
    fn a_text_is_wrapped_and_asks_for_notifications() {
        let written = letter(
            &message(Content::Text("안녕".into())),
            "M1",
            &Carried::default(),
            &ends(),
            Capabilities::NONE,
            Form::Cpim,
        );
        let cpim = read(&written);
        assert_eq!(cpim.message_id(), Some("M1"));
        assert_eq!(cpim.date_time(), Some(1_740_789_000_000_000));
        assert_eq!(
            Requested::of(&cpim),
            Requested::POSITIVE_DELIVERY | Requested::NEGATIVE_DELIVERY | Requested::DISPLAY
        );
        assert_eq!(cpim.from().map(|from| from.uri.0), Some("tel:15881234"), "as the envelope says");
        assert_eq!(&cpim.content()[..], "안녕".as_bytes());
    }

    /// Rcs sheet §7.1: unknown headers byte for byte with their NS lines, DateTime as it was.
    #[test]
    fn what_came_from_rcs_keeps_what_it_said() {
        let carried = Carried {
            date_time: Some("2025-03-01T09:30:00+09:00"),
            lines: b"NS: v <urn:x>\r\nv.Mood: \\u0041  x\r\n",
            from: Some("Kim <sip:kim@ims.example>"),
            ..Carried::default()
        };
        let written = letter(
            &message(Content::Text("x".into())),
            "M1",
            &carried,
            &ends(),
            Capabilities::NONE,
            Form::Cpim,
        );
        let cpim = read(&written);
        assert_eq!(cpim.text(Field::DateTime), Some("2025-03-01T09:30:00+09:00"));
        // The name is the sender's, the address is what we answer for.
        assert_eq!(cpim.text(Field::From), Some("\"Kim\" <tel:15881234>"));
        let kept = cpim.header_in("urn:x", "Mood").expect("kept");
        assert_eq!(kept.line(), b"v.Mood: \\u0041  x\r\n");
    }

    #[test]
    fn a_plain_device_gets_the_words_and_nothing_else() {
        let rich = Rich {
            text: "a.jpg (1 KB) https://x.example/a".into(),
            body: Body::Card(Bytes::from_static(b"BEGIN:VCARD")),
            about: None,
        };
        let message = message(Content::Rich(Box::new(rich)));
        let plain = letter(&message, "M1", &Carried::default(), &ends(), Capabilities::RCS, Form::Plain);
        assert_eq!(plain.content_type, "text/plain;charset=UTF-8");
        assert_eq!(&plain.body[..], b"a.jpg (1 KB) https://x.example/a");
        // The same to a device that can do more, and to one that did not say so.
        let rcs = read(&letter(&message, "M1", &Carried::default(), &ends(), Capabilities::RCS, Form::Cpim));
        assert_eq!((rcs.kind(), &rcs.content()[..]), (Kind::VCard, &b"BEGIN:VCARD"[..]));
        let poor =
            read(&letter(&message, "M1", &Carried::default(), &ends(), Capabilities::NONE, Form::Cpim));
        assert_eq!(poor.kind(), Kind::Text);
    }

    /// Rcs sheet §17: what is encrypted goes to devices that can read it, octet for octet.
    #[test]
    fn encrypted_content_goes_to_devices_that_read_it_only() {
        let body = Body::Opaque { media_type: "message/mls".into(), octets: Bytes::from_static(b"\0\x01") };
        let rich = Rich { text: "[encrypted message]".into(), body, about: None };
        let message = message(Content::Rich(Box::new(rich)));
        let of = |capabilities| {
            read(&letter(&message, "M1", &Carried::default(), &ends(), capabilities, Form::Cpim))
        };
        assert_eq!(of(Capabilities::MLS).content().as_ref(), b"\0\x01");
        assert_eq!(of(Capabilities::CHAT_CPM).kind(), Kind::Text);
    }

    #[test]
    fn a_reaction_names_what_it_is_about() {
        let about = Some(About { reference: "M0".into(), relation: Relation::ReactionWithdrawn });
        let rich = Rich { text: "👍".into(), body: Body::Text, about };
        let written = letter(
            &message(Content::Rich(Box::new(rich))),
            "M1",
            &Carried::default(),
            &ends(),
            Capabilities::NONE,
            Form::Cpim,
        );
        let cpim = read(&written);
        assert_eq!(cpim.text(Field::ReferenceId), Some("M0"));
        assert_eq!(cpim.text(Field::ReferenceType), Some("-Reaction"));
    }

    /// Rcs sheet §11: a file to a device that fetches files, a link to one that does not.
    #[test]
    fn a_file_goes_as_a_file_to_devices_that_fetch_files() {
        let file = model::File {
            name: "a.jpg".into(),
            media_type: "image/jpeg".into(),
            octets: 1_000,
            url: "https://ft.example.net/d".into(),
            until: None,
            thumbnail: None,
            inline: false,
            playing_secs: None,
        };
        let rich = Rich {
            text: "a.jpg (1 KB) https://x.example/a".into(),
            body: Body::File(Box::new(file)),
            about: None,
        };
        let message = message(Content::Rich(Box::new(rich)));
        let carried = Carried::default();
        let able = letter(&message, "M1", &carried, &ends(), Capabilities::FILE_HTTP, Form::Cpim);
        assert_eq!(able.application, Some("rcs.fthttp"));
        let cpim = read(&able);
        assert_eq!(cpim.kind(), Kind::FileTransfer);
        let read_back = sip_rcs::file::read(cpim.content()).expect("a file");
        assert_eq!(read_back.file.url.as_str(), "https://ft.example.net/d");
        // As it came, when it came from RCS.
        let carried = Carried { document: b"<file>as it was</file>", ..Carried::default() };
        let kept = letter(&message, "M1", &carried, &ends(), Capabilities::FILE_HTTP, Form::Cpim);
        assert_eq!(read(&kept).content().as_ref(), b"<file>as it was</file>");
        let poor = letter(&message, "M1", &carried, &ends(), Capabilities::CHAT_CPM, Form::Cpim);
        assert_eq!(poor.application, None);
        assert_eq!(read(&poor).content().as_ref(), b"a.jpg (1 KB) https://x.example/a");
    }

    #[test]
    fn a_short_message_is_read_in_its_alphabet() {
        let coded = |data_coding, octets: &'static [u8]| {
            text_of(&Coded { data_coding, udhi: false, octets: Bytes::from_static(octets) })
        };
        assert_eq!(coded(0, b"Hi\x00"), "Hi@");
        assert_eq!(coded(8, b"\xd5\x5c"), "한");
        assert_eq!(coded(4, b"\x01\x02"), "[2 octets]");
    }
}
