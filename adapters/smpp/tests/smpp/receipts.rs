//! Receipts in every dialect seen (SMPP 3.4 appendix B), and our own.

use smpp::ids::IdText;
use smpp::pdu::{Address, DeliverSm, EsmClass, RegisteredDelivery};
use smpp::receipt::{MessageState, OwnReceipt, ReceiptFields, is_receipt};
use smpp::tlv::Leniency::{Lenient, Strict};
use smpp::tlv::NetworkErrorCode;
use smpp::{Tlvs, Version};

/// 2022-05-17 17:55:00 UTC.
const MINUTE: i64 = 1_652_810_100_000_000;

fn read(text: &[u8]) -> ReceiptFields<'_> {
    ReceiptFields::read(EsmClass::RECEIPT, text, &Tlvs::EMPTY)
}

fn id(receipt: &ReceiptFields<'_>) -> Option<String> {
    receipt.ids().next().map(|id| id.to_string())
}

#[test]
fn every_dialect_gives_id_and_state() {
    use MessageState::{
        Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Scheduled, Skipped, Undeliverable, Unknown,
    };
    for (text, number, state) in [
        // The standard.
        (
            "id:1 sub:001 dlvrd:001 submit date:2205171755 done date:2205171755 stat:DELIVRD err:000 text:x",
            "1",
            Delivered,
        ),
        // Other order, other case.
        ("stat:UNDELIV err:1 ID:2 done date:2205171755", "2", Undeliverable),
        ("ID:3 STAT:expired ERR:21b Text:", "3", Expired),
        // Missing and senseless fields.
        ("id:4 stat:REJECTD", "4", Rejected),
        ("id:5 sub:null dlvrd:null stat:DELETED", "5", Deleted),
        ("id:6 sub:... dlvrd:... submit date: done date: stat:UNKNOWN err: text:", "6", Unknown),
        // Ids with letters, dashes, underscores.
        (
            "id:8F6E1F0A-0C5B-4C8E-9A55-1D2E3F4A5B6C stat:ACCEPTD",
            "8F6E1F0A-0C5B-4C8E-9A55-1D2E3F4A5B6C",
            Accepted,
        ),
        ("id:abc_7.X stat:ACKED", "abc_7.X", Enroute),
        // Spellings of being under way.
        ("id:9 stat:BUFFRED", "9", Enroute),
        ("id:9 stat:BUFFERD", "9", Enroute),
        ("id:9 stat:ENROUTE", "9", Enroute),
        ("id:9 stat:SCHEDLD", "9", Scheduled),
        ("id:9 stat:SKIPPED", "9", Skipped),
        // Written out, and as a digit.
        ("id:9 stat:DELIVERED", "9", Delivered),
        ("id:9 status:UNDELIVERABLE error:8", "9", Undeliverable),
        ("id:9 stat:2", "9", Delivered),
        // Double spaces, spaces behind the colon, line ends.
        ("id: 10  sub:001  stat:  DELIVRD  err:000", "10", Delivered),
        ("id:11\r\nstat:DELIVRD\r\n", "11", Delivered),
        // Keys with an underscore or none between their words.
        ("id:12 submit_date:2205171755 donedate:2205171755 stat:DELIVRD", "12", Delivered),
        // Cut off in the middle of a field.
        ("id:13 sub:001 dlvrd:001 submit date:2205171755 done date:2205171755 stat:DELI", "13", Delivered),
        // The sender's own words do not count.
        ("id:14 stat:DELIVRD err:000 text:id:99 stat:UNDELIV", "14", Delivered),
        ("id:15 text:stat is fine stat:EXPIRED", "15", Expired),
        // Fields nobody knows.
        ("msgid:77 id:16 network:45008 stat:DELIVRD", "16", Delivered),
    ] {
        let receipt = read(text.as_bytes());
        assert_eq!(id(&receipt).as_deref(), Some(number), "{text}");
        assert_eq!(receipt.state, Some(state), "{text}");
    }
}

#[test]
fn a_text_cut_off_before_the_state_says_none() {
    for text in ["id:1 sub:001 dlvrd:001 submit date:22051717", "id:1 stat:", "id:1 stat:DE", "id:1 sta"] {
        let receipt = read(text.as_bytes());
        assert_eq!((id(&receipt).as_deref(), receipt.state), (Some("1"), None), "{text}");
        assert!(!receipt.is_final(true));
    }
}

#[test]
fn dates_in_every_length() {
    for (date, seconds) in [
        ("2205171755", 0),
        ("220517175524", 24),
        ("202205171755", 0),
        ("20220517175524", 24),
        ("2022-05-17 17:55:24", 24),
        ("2022/05/17T17:55:24", 24),
        ("220517175524000+", 24),
        ("220517185524004+", 24),
        ("2205171755 zone:KST", 0),
    ] {
        let text = format!("id:1 submit date:{date} done date:{date} stat:DELIVRD");
        let receipt = read(text.as_bytes());
        let expected = Some(MINUTE + seconds * 1_000_000);
        assert_eq!((receipt.submitted_us, receipt.done_us), (expected, expected), "{date}");
    }
    for date in ["", "null", "22051717", "2213171755", "2205171760", "999999999999999999", "-"] {
        let text = format!("id:1 done date:{date} stat:DELIVRD");
        assert_eq!(read(text.as_bytes()).done_us, None, "{date}");
    }
}

#[test]
fn counts_errors_and_the_excerpt() {
    let receipt = read(b"id:1 sub:002 dlvrd:001 stat:UNDELIV err:21b text:some words: here");
    assert_eq!((receipt.submitted, receipt.delivered), (Some(2), Some(1)));
    assert_eq!(receipt.error, IdText::new(b"21b"));
    assert_eq!(receipt.text.as_deref(), Some(&b"some words: here"[..]));
    assert!(!format!("{receipt:?}").contains("words"));
    // Fields that the receipt leaves out are not made up from the sender's own words.
    let receipt = read(b"id:1 stat:DELIVRD text:err:5 sub:9 done date:2205171755");
    assert_eq!((receipt.error, receipt.submitted, receipt.done_us), (None, None, None));
    assert_eq!(receipt.text.as_deref(), Some(&b"err:5 sub:9 done date:2205171755"[..]));
}

#[test]
fn other_alphabets_are_told_by_their_octets() {
    let text = "id:7f stat:DELIVRD err:000 text:\u{c548}";
    let wide = |bytes: fn(u16) -> [u8; 2], mark: &[u8]| {
        [mark, &text.encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    };
    for octets in [
        wide(u16::to_be_bytes, b""),
        wide(u16::to_le_bytes, b""),
        wide(u16::to_be_bytes, b"\xFE\xFF"),
        wide(u16::to_le_bytes, b"\xFF\xFE"),
    ] {
        let receipt = read(&octets);
        assert_eq!((id(&receipt).as_deref(), receipt.state), (Some("7f"), Some(MessageState::Delivered)));
        assert_eq!(receipt.text.as_deref(), Some(&b"?"[..]));
    }
    // The default alphabet unpacked: an underscore is 0x11 there.
    let receipt = read(b"id:a\x11b stat:DELIVRD");
    assert_eq!(id(&receipt).as_deref(), Some("a_b"));
    // And packed into septets, which only the air does.
    let packed = pack(b"id:42 stat:DELIVRD err:000");
    let receipt = read(&packed);
    assert_eq!((id(&receipt).as_deref(), receipt.state), (Some("42"), Some(MessageState::Delivered)));
}

/// Septets into octets (TS 23.038 §6.1.2.1).
fn pack(text: &[u8]) -> Vec<u8> {
    let mut octets = vec![0_u8; (text.len() * 7).div_ceil(8)];
    for (nth, septet) in text.iter().enumerate() {
        let (at, shift) = (nth * 7 / 8, nth * 7 % 8);
        let bits = u16::from(*septet) << shift;
        octets[at] |= bits as u8;
        if shift > 1 {
            octets[at + 1] |= (bits >> 8) as u8;
        }
    }
    octets
}

fn area(hex: &str) -> Vec<u8> {
    crate::hex(hex)
}

#[test]
fn tlvs_alone_are_a_receipt() {
    let octets = area("001E0003 3738 00 0427000105 0423000303 0102");
    let tlvs = Tlvs::decode(&octets, Strict).expect("whole");
    let receipt = ReceiptFields::read(EsmClass::RECEIPT, b"", &tlvs);
    assert_eq!((id(&receipt).as_deref(), receipt.state), (Some("78"), Some(MessageState::Undeliverable)));
    assert_eq!(receipt.network_error, Some(NetworkErrorCode { network: 3, code: 0x0102 }));
    assert!(receipt.is_final(false));
    assert!(is_receipt(EsmClass(0), &tlvs), "even without the flag");
    assert!(!is_receipt(EsmClass(0), &Tlvs::EMPTY) && is_receipt(EsmClass(0x44), &Tlvs::EMPTY));
    assert!(!is_receipt(EsmClass(0x08), &tlvs), "an acknowledgement is a message of its own");
}

#[test]
fn tlvs_go_first_where_they_make_sense() {
    let read_with = |hex: &str, text: &'static str| {
        let octets = area(hex);
        let tlvs = Tlvs::decode(&octets, Lenient).expect("lenient");
        let receipt = ReceiptFields::read(EsmClass::RECEIPT, text.as_bytes(), &tlvs);
        (receipt.ids().map(|id| id.to_string()).collect::<Vec<_>>(), receipt.state)
    };
    let text = "id:9 stat:DELIVRD";
    let (delivered, expired) = (Some(MessageState::Delivered), Some(MessageState::Expired));
    assert_eq!(read_with("001E0002 3800 0427000103", text), (vec!["8".into(), "9".into()], expired));
    assert_eq!(read_with("001E0001 39", text), (vec!["9".into()], delivered), "no NUL, and the same id");
    assert_eq!(
        read_with("001E0001 00 0427000100", text),
        (vec!["9".into()], delivered),
        "empty, and a constant 0"
    );
    assert_eq!(read_with("04270001FF", text).1, delivered, "no such state");
    assert_eq!(read_with("042700020202", text).1, delivered, "no such length");
    assert_eq!(read_with("0427000100", "id:9").1, Some(MessageState::Scheduled));
}

#[test]
fn the_text_may_be_in_message_payload_or_behind_a_header() {
    let text = b"id:5 stat:DELIVRD";
    let mut payload = vec![0x04, 0x24, 0x00, text.len() as u8];
    payload.extend(text);
    let tlvs = Tlvs::decode(&payload, Strict).expect("whole");
    let receipt = ReceiptFields::read(EsmClass::RECEIPT, b"", &tlvs);
    assert_eq!((id(&receipt).as_deref(), receipt.state), (Some("5"), Some(MessageState::Delivered)));

    let with_header = [&b"\x05\x00\x03\xAA\x01\x01"[..], text].concat();
    let both = EsmClass::RECEIPT.with(EsmClass::UDHI);
    assert_eq!(id(&ReceiptFields::read(both, &with_header, &Tlvs::EMPTY)).as_deref(), Some("5"));
    // The flag without a header, on a text long enough to be mistaken for one.
    let flagged = [&text[..], &[b' '; 120]].concat();
    assert_eq!(id(&ReceiptFields::read(both, &flagged, &Tlvs::EMPTY)).as_deref(), Some("5"));
}

#[test]
fn an_intermediate_notification_is_never_the_end() {
    let receipt = ReceiptFields::read(EsmClass::INTERMEDIATE, b"id:1 stat:DELIVRD", &Tlvs::EMPTY);
    assert!(receipt.intermediate && !receipt.is_final(true));
    let accepted = read(b"id:1 stat:ACCEPTD");
    assert!(accepted.is_final(true) && !accepted.is_final(false));
}

fn own() -> OwnReceipt<'static> {
    OwnReceipt {
        message_id: b"123456789012345678",
        submitted: 1,
        delivered: 1,
        submitted_us: MINUTE,
        done_us: MINUTE + 60_000_000,
        state: MessageState::Delivered,
        error: 0,
        network_error: Some(NetworkErrorCode { network: 3, code: 1 }),
        text: b"hello \xC8 world, and more than twenty",
        intermediate: false,
    }
}

#[test]
fn our_own_text_is_that_of_the_standard() {
    let text = own().text(Version::V34);
    assert_eq!(
        text.as_bytes(),
        b"id:123456789012345678 sub:001 dlvrd:001 submit date:2205171755 done date:2205171756 stat:DELIVRD \
          err:000 text:hello ? world, and m"
    );
    let longest = OwnReceipt { message_id: &[b'9'; 64], submitted: u16::MAX, error: u16::MAX, ..own() };
    assert!(longest.text(Version::V34).as_bytes().ends_with(b"text:hello ? world, and m"), "all of it fits");
}

#[test]
fn our_own_receipt_reads_back_and_spares_old_peers_the_tlvs() {
    for (version, tlvs) in [(Version::V33, 0), (Version::V34, 3), (Version::V50, 3)] {
        let mut out = Vec::new();
        let (from, to) = (Address::international(b"15550002"), Address::international(b"15550001"));
        own().encode(from, to, version, 7, &mut out).expect("fits");
        let deliver = DeliverSm::decode(&out[16..], Strict).expect("legal");
        assert_eq!((deliver.source, deliver.destination), (from, to));
        assert_eq!(deliver.registered_delivery, RegisteredDelivery::NONE);
        assert_eq!(deliver.tlvs.iter().count(), tlvs);
        let receipt = ReceiptFields::of_deliver(&deliver);
        assert_eq!(receipt.ids().map(|id| id.to_string()).collect::<Vec<_>>(), ["123456789012345678"]);
        assert_eq!(receipt.state, Some(MessageState::Delivered));
        assert_eq!((receipt.submitted_us, receipt.done_us), (Some(MINUTE), Some(MINUTE + 60_000_000)));
    }
}

#[test]
fn states_of_5_0_are_translated_for_others() {
    let skipped = OwnReceipt { state: MessageState::Skipped, ..own() };
    let says = |version, word: &[u8]| {
        skipped.text(version).as_bytes().windows(word.len()).any(|window| window == word)
    };
    assert!(says(Version::V50, b"stat:SKIPPED") && says(Version::V34, b"stat:UNDELIV"));
    assert_eq!(MessageState::Scheduled.for_peer(Version::V34), MessageState::Enroute);
    for (octet, state) in MessageState::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(state.octet()), octet);
        assert_eq!(MessageState::from_text(state.text().as_bytes()), Some(state));
    }
}
