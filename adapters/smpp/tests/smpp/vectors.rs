//! PDUs that real systems have sent (S1–S14; the times, S15, are in `times`).

use bytes::BytesMut;
use smpp::pdu::{Address, Bind, BindKind, BindResp, DataSm, DeliverSm, QuerySmResp, SubmitSm, SubmitSmResp};
use smpp::receipt::{MessageState, ReceiptFields};
use smpp::tlv::Leniency::{Lenient, Strict};
use smpp::{Command, CommandStatus, Framer, Tag};

use crate::peer::Peer;
use crate::{hex, only};

#[test]
fn s1_enquire_link() {
    let frame = only("0000001000000015000000000a342ee7");
    assert_eq!((frame.header.command, frame.header.sequence), (Command::EnquireLink, 171_192_039));
    assert!(frame.body.is_empty());
}

#[test]
fn s2_bind_transmitter() {
    let vector = "0000002500000002000000000003995f747769747465720074776974746572000034000000";
    let frame = only(vector);
    let bind = Bind::decode(&frame.body, Strict).expect("a bind");
    assert_eq!(frame.header.sequence, 235_871);
    assert_eq!(
        (bind.system_id, bind.password, bind.system_type),
        (&b"twitter"[..], &b"twitter"[..], &b""[..])
    );
    assert_eq!((bind.interface_version, bind.addr_ton, bind.addr_npi), (0x34, 0, 0));
    assert!(bind.address_range.is_empty() && bind.tlvs.is_empty());
    let mut out = Vec::new();
    bind.encode(BindKind::Transmitter, 235_871, &mut out).expect("fits");
    assert_eq!(out, hex(vector));
}

#[test]
fn s3_bind_transceiver_resp_with_tlv() {
    let vector = "0000001d800000090000000000039943536d7363204757000210000134";
    let frame = only(vector);
    let response = BindResp::decode(&frame.body, Lenient).expect("a response");
    assert_eq!(response.system_id, Some(&b"Smsc GW"[..]));
    assert_eq!(response.tlvs.sc_interface_version(), Some(0x34));
    let mut out = Vec::new();
    response.encode(BindKind::Transceiver, CommandStatus::ROK, 0x0003_9943, &mut out).expect("fits");
    assert_eq!(out, hex(vector));
}

#[test]
fn s4_submit_sm() {
    let vector = "00000039000000040000000000004FE80001013430343034000101343439353133363139323000000000000001\
                  000000084024232125262F3A";
    let frame = only(vector);
    let submit = SubmitSm::decode(&frame.body, Strict).expect("a submission");
    assert_eq!(frame.header.sequence, 20_456);
    assert_eq!(submit.source, Address::international(b"40404"));
    assert_eq!(submit.destination, Address::international(b"44951361920"));
    assert_eq!((submit.esm_class.0, submit.protocol_id, submit.priority_flag), (0, 0, 0));
    assert!(submit.schedule_delivery_time.is_empty() && submit.validity_period.is_empty());
    assert_eq!((submit.registered_delivery.0, submit.data_coding), (1, 0));
    assert_eq!(submit.short_message, hex("4024232125262F3A"));
    let mut out = Vec::new();
    submit.encode(20_456, &mut out).expect("fits");
    assert_eq!(out, hex(vector));
}

#[test]
fn s5_receipt_with_its_id_in_two_bases() {
    let frame = only(
        "000000BA00000005000000000000000200010134343935313336313932300001013430343034000400000000000000006E\
         69643A30303539313133393738207375623A30303120646C7672643A303031207375626D697420646174653A3130303231\
         303137333020646F6E6520646174653A3130303231303137333120737461743A44454C49565244206572723A3030302074\
         6578743A4024232125262F3A000E0001010006000101001E000833383630316661000427000102",
    );
    let deliver = DeliverSm::decode(&frame.body, Strict).expect("a receipt");
    assert_eq!(deliver.tlvs.octet(Tag::SOURCE_NETWORK_TYPE), Ok(Some(1)));
    assert_eq!(deliver.tlvs.octet(Tag::DEST_NETWORK_TYPE), Ok(Some(1)));
    let receipt = ReceiptFields::of_deliver(&deliver);
    assert_eq!(receipt.tlv_id.map(|id| id.to_string()).as_deref(), Some("38601fa"));
    assert_eq!(receipt.text_id.map(|id| id.to_string()).as_deref(), Some("0059113978"));
    assert_eq!(receipt.state, Some(MessageState::Delivered));
    assert_eq!((receipt.submitted, receipt.delivered), (Some(1), Some(1)));
    // 2010-02-10 17:30 and 17:31.
    assert_eq!(receipt.submitted_us, Some(1_265_823_000_000_000));
    assert_eq!(receipt.done_us, Some(1_265_823_060_000_000));
    assert_eq!(receipt.error.map(|error| error.to_string()).as_deref(), Some("000"));
    assert_eq!(receipt.text.as_deref(), Some(&hex("4024232125262F3A")[..]));
    // The two ids are one number.
    let text_id = receipt.text_id.expect("an id");
    assert!(smpp::ids::candidates(&text_id, None).any(|(_, form)| Some(form) == receipt.tlv_id));
}

#[test]
fn s6_data_sm() {
    let frame = only(
        "000000300000010300000000000000000001013535353237313030303000000139363935000001000424000454657374",
    );
    let data = DataSm::decode(&frame.body, Strict).expect("data");
    assert_eq!(frame.header.sequence, 0);
    assert_eq!(data.source, Address::international(b"5552710000"));
    assert_eq!((data.destination.ton, data.destination.npi, data.destination.digits), (0, 1, &b"9695"[..]));
    assert_eq!((data.esm_class.0, data.registered_delivery.0, data.data_coding), (0, 1, 0));
    assert_eq!(data.user_data().expect("a text").text, b"Test");
}

#[test]
fn s7_query_sm_resp() {
    let frame = only("00000019800000030000000000004FE8313233343500000600");
    let response = QuerySmResp::decode(&frame.body, Lenient).expect("a response");
    assert_eq!((response.message_id, response.final_date), (&b"12345"[..], &b""[..]));
    assert_eq!(MessageState::from_octet(response.message_state), Some(MessageState::Accepted));
    assert_eq!(response.error_code, 0);
}

#[test]
fn s8_submit_sm_resp_without_body() {
    let frame = only("0000001080000004000000000a342ee1");
    let response = SubmitSmResp::decode(&frame.body, Lenient).expect("a response");
    assert!(frame.header.status.is_ok());
    assert_eq!(response.id(), None);
}

const S9: &str = "000000a40000000500000000000000050001013233343830333337363831353100050056414e534f000400000000\
    040000006369643a30303030303033303035207375623a30303120646c7672643a303031207375626d697420646174653a31303031\
    31383134333120646f6e6520646174653a3130303131383134333120737461743a44454c49565244206572723a303030207465042\
    7000102001e00413330303500";

#[test]
fn s9_tlv_that_claims_more_than_there_is() {
    let frame = only(S9);
    let deliver = DeliverSm::decode(&frame.body, Lenient).expect("lenient");
    assert_eq!(deliver.source, Address::international(b"2348033768151"));
    assert_eq!((deliver.destination.ton, deliver.destination.digits), (5, &b"VANSO"[..]));
    assert_eq!((deliver.esm_class.0, deliver.short_message.len()), (4, 99));
    assert!(deliver.short_message.ends_with(b"te"));
    assert_eq!(deliver.tlvs.dropped(), 9);
    let receipt = ReceiptFields::of_deliver(&deliver);
    assert_eq!((receipt.state, receipt.tlv_id), (Some(MessageState::Delivered), None));
    assert_eq!(receipt.ids().map(|id| id.to_string()).collect::<Vec<_>>(), ["0000003005"]);
    let strict = DeliverSm::decode(&frame.body, Strict).expect_err("strict");
    assert_eq!(strict.status, CommandStatus::RINVTLVSTREAM);
}

#[test]
fn s10_sm_length_too_large() {
    let vector =
        hex("00000039000000050000000000000001000101393939393139393134353933000000363436340000000000000000\
                      080010c1e1e9edf3faf1fc");
    let peer = Peer::esme().takes(&vector);
    assert_eq!(peer.answers(), [(Command::DeliverSmResp, CommandStatus::RINVMSGLEN, 1)]);
    assert!(!peer.closed);
}

#[test]
fn s11_sequence_with_the_top_bit_set() {
    let vector =
        hex("000000390000000500000000806A179B000101393939393139393134353933000000363436340000000000000000\
                      080008c1e1e9edf3faf1fc");
    let peer = Peer::esme().takes(&vector);
    assert_eq!(peer.out, hex("000000118000000500000000806A179B00"));
}

#[test]
fn s12_message_id_without_nul() {
    let peer = Peer::message_centre().takes(&hex("0000001180000004000000000a342ee139"));
    assert_eq!(peer.matched, [0x0a34_2ee1], "the response counts as received");
    let response = SubmitSmResp::decode(b"9", Lenient).expect("a response");
    assert_eq!(response.id(), None);
}

#[test]
fn s13_unknown_request_then_a_good_one() {
    let peer = Peer::message_centre()
        .takes(&hex("0000001100000110000000000a342ee70F0000001000000015000000000a342ee7"));
    let expected = [
        (Command::GenericNack, CommandStatus::RINVCMDID, 0x0a34_2ee7),
        (Command::EnquireLinkResp, CommandStatus::ROK, 0x0a34_2ee7),
    ];
    assert_eq!(peer.answers(), expected);
    assert!(!peer.closed);
}

#[test]
fn s14_absurd_length() {
    let peer = Peer::message_centre().takes(&hex("F000001100000110000000000a342ee7"));
    assert_eq!(peer.answers(), [(Command::GenericNack, CommandStatus::RINVCMDLEN, 0x0a34_2ee7)]);
    assert!(peer.closed);
}

#[test]
fn a_receipt_is_kept_without_being_copied() {
    let batch = Framer::default().cut(&mut BytesMut::from(hex(S9).as_slice()));
    let frame = batch.frames().next().expect("one");
    let deliver = DeliverSm::decode(frame.body, Lenient).expect("lenient");
    let kept = batch.keep(deliver.short_message);
    assert_eq!(kept.as_ptr(), deliver.short_message.as_ptr());
}
