//! How text is written on each channel: where the engine's question meets the alphabets.

use std::collections::HashMap;

use config::{Charset, Concatenation, Config, DefaultAlphabet};
use model::{Cause, ChannelId, Coded, Content};
use smpp::translate::{self, LinkText, text_of};
use sms::segment::{LMS_OCTETS_MAX, Long, Narrow, ReferenceWidth, USER_DATA_OCTETS_MAX};

use crate::policy::Ids;

/// The text agreements of all channels.
pub(crate) struct Texts(HashMap<ChannelId, LinkText>);

impl Texts {
    pub(crate) fn new(config: &Config, ids: &Ids) -> Self {
        let mut links = HashMap::new();
        for channel in &config.channels {
            if let Some(id) = ids.get(channel.name.as_str()) {
                links.insert(*id, of_channel(channel));
            }
        }
        for account in &config.accounts {
            if let (Some(id), Some(smpp)) = (ids.get(account.name.as_str()), &account.smpp) {
                links.insert(
                    *id,
                    LinkText { default_alphabet: alphabet(smpp.default_alphabet), ..LinkText::default() },
                );
            }
        }
        Self(links)
    }

    pub(crate) fn link(&self, channel: ChannelId) -> LinkText {
        self.0.get(&channel).copied().unwrap_or_default()
    }
}

impl engine::Texts for Texts {
    fn segments(&self, channel: ChannelId, content: &Content) -> Result<u16, Cause> {
        self.link(channel).segments(content)
    }

    fn text(&self, _origin: ChannelId, segments: &[&Coded]) -> Box<str> {
        text_of(segments).into()
    }

    fn is_text(&self, coded: &Coded) -> bool {
        translate::is_text(coded)
    }
}

fn alphabet(alphabet: DefaultAlphabet) -> translate::DefaultAlphabet {
    match alphabet {
        DefaultAlphabet::Gsm7 => translate::DefaultAlphabet::Gsm7,
        DefaultAlphabet::Ascii => translate::DefaultAlphabet::Ascii,
        DefaultAlphabet::Latin1 => translate::DefaultAlphabet::Latin1,
    }
}

/// Up to 140 octets are what one short message holds; more is what one long message (LMS) does.
fn korean(octets_max: u16) -> sms::Profile {
    match u8::try_from(octets_max) {
        Ok(octets) if octets <= USER_DATA_OCTETS_MAX => sms::Profile::KOREA.with_octets_max(octets),
        _ => sms::Profile::KOREA.with_long(Long::Lms(octets_max.min(LMS_OCTETS_MAX))),
    }
}

fn of_channel(channel: &config::Channel) -> LinkText {
    let mut profile = match channel.charset {
        Charset::Ucs2 => sms::Profile::GSM,
        Charset::Cp949 => korean(channel.korean_octets_max),
        Charset::Latin1 => sms::Profile::GSM.with_narrow(Narrow::Latin1),
    };
    let alphabet = alphabet(channel.default_alphabet);
    if alphabet != translate::DefaultAlphabet::Gsm7 && channel.charset != Charset::Latin1 {
        // data_coding 0 is not septets there; Latin-1 text says so in its own data_coding.
        profile = profile.with_narrow(Narrow::Latin1);
    }
    if channel.concatenation == Concatenation::Udh16 {
        profile = profile.with_reference(ReferenceWidth::Sixteen);
    }
    LinkText {
        default_alphabet: alphabet,
        profile,
        concatenation: match channel.concatenation {
            Concatenation::Udh8 | Concatenation::Udh16 => translate::Concatenation::Header,
            Concatenation::Sar => translate::Concatenation::Sar,
            Concatenation::Payload => translate::Concatenation::Payload,
        },
        korean_data_coding: channel.korean_data_coding,
    }
}

#[cfg(test)]
mod tests {
    use config::Sources;
    use engine::Texts as _;

    use super::*;

    const LINK: &str =
        "[[channel]]\nname = 'smsc'\naddress = '127.0.0.1:2776'\nsystem_id = 'g'\npassword = 'plain:x'\n";

    /// Segments of a text of so many Hangul on a Korean channel with this limit.
    fn segments(octets_max: u16, hangul: usize) -> Result<u16, Cause> {
        let text = format!("{LINK}charset = 'cp949'\nkorean_octets_max = {octets_max}");
        let config = config::load(&Sources::new().with_text("test", &text)).unwrap().config;
        let texts = Texts::new(&config, &[("smsc".to_owned(), ChannelId(1))].into_iter().collect());
        texts.segments(ChannelId(1), &Content::Text("가".repeat(hangul).as_str().into()))
    }

    #[test]
    fn korean_messages_are_as_long_as_the_operator_says() {
        assert_eq!((segments(80, 40), segments(80, 41)), (Ok(1), Ok(2)));
        assert_eq!((segments(90, 45), segments(90, 46)), (Ok(1), Ok(2)));
        assert_eq!((segments(140, 70), segments(140, 71)), (Ok(1), Ok(2)));
        assert_eq!((segments(2_000, 71), segments(2_000, 1_000)), (Ok(1), Ok(1)));
        assert!(segments(2_000, 1_001).is_err());
    }

    /// What one adapter keeps with a message is no word of another's, though both sit in the same place.
    #[test]
    fn no_channel_reads_what_another_has_carried() {
        let rcs = rcs::translate::Carried { date_time: Some("2026-11-26T09:00:00Z"), ..Default::default() };
        let smpp = translate::Carried { protocol_id: 0x41, ..Default::default() };
        let json = br#"{"conv":"c1"}"#.as_slice();
        for foreign in [&rcs.encode()[..], json] {
            assert_eq!(translate::Carried::decode(foreign), Default::default());
        }
        for foreign in [&smpp.encode()[..], json] {
            assert_eq!(rcs::translate::Carried::decode(foreign), Default::default());
        }
    }
}
