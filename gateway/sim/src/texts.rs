//! Texts, counted and read by the real short-message room.

use engine::Texts;
use model::{Cause, ChannelId, Coded, Content};
use sms::{Alphabet, Profile, Segmentation, Unsendable};

/// Every channel of this world takes GSM 7-bit and UCS-2.
pub(crate) const PROFILE: Profile = Profile::GSM;

const UCS2: u8 = 8;

/// What the engine asks about text here.
#[derive(Debug)]
pub(crate) struct WorldTexts;

impl Texts for WorldTexts {
    fn segments(&self, _channel: ChannelId, content: &Content) -> Result<u16, Cause> {
        let Some(text) = content.words() else { return Ok(1) };
        match sms::count(text, &PROFILE) {
            Ok(count) => Ok(count.segments.into()),
            Err(Unsendable::TooLong { .. }) => Err(Cause::TooLong),
            Err(Unsendable::NotEncodable) => Err(Cause::Unencodable),
        }
    }

    fn text(&self, _origin: ChannelId, segments: &[&Coded]) -> Box<str> {
        let mut alphabet = Alphabet::Gsm7;
        let mut octets = Vec::new();
        for coded in segments {
            let decoded = sms::decode_text(alphabet_of(coded.data_coding), &coded.octets, coded.udhi);
            alphabet = decoded.alphabet;
            octets.extend_from_slice(decoded.octets);
        }
        alphabet.decode(&octets).unwrap_or_default().into()
    }

    fn is_text(&self, _coded: &Coded) -> bool {
        true
    }
}

const fn alphabet_of(data_coding: u8) -> Alphabet {
    if data_coding == UCS2 { Alphabet::Ucs2 } else { Alphabet::Gsm7 }
}

/// The segments of a text as a phone sends them.
pub(crate) fn coded(text: &str, reference: u16) -> Vec<Coded> {
    let Ok(segmentation) = sms::segment(text, &PROFILE) else { return Vec::new() };
    let data_coding = if segmentation.alphabet() == Alphabet::Ucs2 { UCS2 } else { 0 };
    let segments = segmentation.segments().map(|segment| {
        let mut octets = Vec::new();
        let udhi = segment.write_unpacked(reference, &mut octets);
        Coded { data_coding, udhi, octets: octets.into() }
    });
    segments.collect()
}

/// How a content looks on the wire, without showing it.
pub(crate) fn shape(content: &Content) -> String {
    match content {
        Content::Text(text) => text_shape(text),
        Content::Rich(rich) => text_shape(&rich.text),
        Content::Coded(coded) => {
            let header = if coded.udhi { ", with UDH" } else { "" };
            format!("×1 ({}, {} octets{header})", name(alphabet_of(coded.data_coding)), coded.octets.len())
        }
    }
}

fn text_shape(text: &str) -> String {
    sms::segment(text, &PROFILE).map_or_else(
        |_| "unsendable".into(),
        |cut| format!("×{} ({}, {})", cut.count().segments, name(cut.alphabet()), octets_by_segment(&cut)),
    )
}

fn octets_by_segment(cut: &Segmentation) -> String {
    let mut lengths = Vec::new();
    for segment in cut.segments() {
        let mut octets = Vec::new();
        segment.write_unpacked(0, &mut octets);
        lengths.push(octets.len().to_string());
    }
    format!("{} octets", lengths.join(" + "))
}

const fn name(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Ucs2 => "UCS-2",
        _ => "GSM 7-bit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_a_phone_are_read_as_one_text() {
        let text = "안녕하세요 ".repeat(30);
        let segments = coded(&text, 7);
        assert!(segments.len() > 2, "{}", segments.len());
        let read = WorldTexts.text(ChannelId(0), &segments.iter().collect::<Vec<_>>());
        assert_eq!(&*read, text);
    }
}
