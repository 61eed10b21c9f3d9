//! Cutting PDUs from a stream (SMPP 3.4 §3.2).

use bytes::BytesMut;
use proptest::prelude::*;
use smpp::frame::{End, FramingErrorKind, Speaks};
use smpp::limits::PDU_OCTETS_MAX;
use smpp::{Command, Framer};

/// Two enquiries, a submission and a response, back to back.
fn stream() -> Vec<u8> {
    crate::hex(
        "0000001000000015000000000a342ee7 0000001000000015000000000a342ee8 \
         00000039000000040000000000004FE8000101343034303400010134343935313336313932300000000000000100000008\
         4024232125262F3A 0000001280000004000000000a342ee13900",
    )
}

fn cut_in(pieces: &[&[u8]]) -> Vec<(Command, u32, Vec<u8>)> {
    let (framer, mut buffer, mut seen) = (Framer::default(), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let batch = framer.cut(&mut buffer);
        assert!(matches!(batch.end(), End::NeedMore { octets } if octets > 0));
        seen.extend(
            batch.frames().map(|frame| (frame.header.command, frame.header.sequence, frame.body.to_vec())),
        );
        let owned: Vec<_> = batch.clone().into_owned_frames().collect();
        assert!(owned.iter().map(smpp::frame::OwnedFrame::frame).eq(batch.frames()));
    }
    assert!(buffer.is_empty(), "every octet belonged to a PDU");
    seen
}

#[test]
fn a_split_anywhere_gives_the_same_pdus() {
    let stream = stream();
    let whole = cut_in(&[&stream]);
    assert_eq!(whole.len(), 4);
    for at in 0..=stream.len() {
        let (one, two) = stream.split_at(at);
        assert_eq!(cut_in(&[one, two]), whole, "split at {at}");
    }
    let singly: Vec<_> = stream.chunks(1).collect();
    assert_eq!(cut_in(&singly), whole);
}

#[test]
fn pdus_behind_a_bind_in_the_same_read_are_not_lost() {
    let bind = crate::hex("0000001d800000090000000000039943536d7363204757000210000134");
    let both = [bind, stream()].concat();
    assert_eq!(cut_in(&[&both]).len(), 5);
}

#[test]
fn the_missing_octets_are_told() {
    let framer = Framer::default();
    for (held, missing) in [(0, 16), (3, 13), (4, 53), (16, 41), (56, 1)] {
        let mut buffer = BytesMut::from(&stream()[32..32 + held]);
        let batch = framer.cut(&mut buffer);
        assert!(batch.is_empty());
        assert_eq!(batch.end(), End::NeedMore { octets: missing }, "{held}");
        assert_eq!(buffer.len(), held, "what is incomplete stays");
    }
}

#[test]
fn good_pdus_before_a_broken_one_are_handled() {
    let octets = [stream(), crate::hex("00000008 00000015")].concat();
    let batch = Framer::default().cut(&mut BytesMut::from(octets.as_slice()));
    assert_eq!(batch.frames().count(), 4);
    let End::Broken(error) = batch.end() else { panic!("a length of 8 is broken") };
    assert_eq!((error.kind, error.command_length), (FramingErrorKind::TooShort, 8));
    assert_eq!(error.answer().sequence, 0, "the header was not in hand");
}

#[test]
fn the_limit_is_inclusive_and_seen_from_the_first_four_octets() {
    let framer = Framer::new(100);
    let at_limit = framer.cut(&mut BytesMut::from(&100_u32.to_be_bytes()[..]));
    assert_eq!(at_limit.end(), End::NeedMore { octets: 96 });
    let above = framer.cut(&mut BytesMut::from(&101_u32.to_be_bytes()[..]));
    assert!(matches!(above.end(), End::Broken(error) if error.kind == FramingErrorKind::TooLong));
    assert_eq!(Framer::new(0).cut(&mut BytesMut::from(&stream()[..16])).frames().count(), 1);
}

#[test]
fn other_protocols_are_recognised() {
    for (octets, speaks) in [
        (&b"HTTP/1.1 400 Bad Request"[..], Speaks::Http),
        (b"GET / HTTP/1.1\r\n", Speaks::Http),
        (b"AMQP\x00\x00\x09\x01", Speaks::Amqp),
        (b"INFO {\"server_id\"", Speaks::Nats),
        (b"\x16\x03\x01\x02\x00\x01\x00", Speaks::Tls),
        (b"\xF0\x00\x00\x11", Speaks::Unknown),
    ] {
        let batch = Framer::default().cut(&mut BytesMut::from(octets));
        let End::Broken(error) = batch.end() else { panic!("{speaks:?} is no PDU") };
        assert_eq!(error.speaks, speaks);
    }
    let batch = Framer::default().cut(&mut BytesMut::from(&b"HTTP"[..]));
    assert!(matches!(batch.end(), End::Broken(error) if error.command_length == 1_213_486_160));
}

proptest! {
    #[test]
    fn any_octets_are_cut_without_growth(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut buffer = BytesMut::from(octets.as_slice());
        let batch = Framer::default().cut(&mut buffer);
        prop_assert_eq!(batch.octets() + buffer.len(), octets.len());
        let bodies: usize = batch.frames().map(|frame| frame.body.len() + 16).sum();
        prop_assert_eq!(bodies, batch.octets());
        if let End::NeedMore { octets } = batch.end() {
            prop_assert!(octets <= PDU_OCTETS_MAX);
        }
    }
}
