//! 3GPP TS 24.011: the relay layer.

mod support;

use sms::rp::{Body, Cause, EncodeError, Malformed, Rp};
use sms::tpdu::{Address, Direction, FailureCause, Timestamp, Tpdu};
use support::hex;

use Direction::{FromMobile, ToMobile};

/// Reads the octets and writes them back.
fn rp(octets: &str, direction: Direction) -> (Rp, Option<Tpdu>) {
    let read = Rp::decode(&hex(octets), direction).expect("the vector is well formed");
    assert_eq!(read.encode(direction), Ok(hex(octets)));
    let tpdu = read.tpdu(direction).map(|tpdu| tpdu.expect("its TPDU is well formed"));
    (read, tpdu)
}

fn refused(octets: &str, direction: Direction) -> (u8, Cause) {
    match Rp::decode(&hex(octets), direction) {
        Err(Malformed::Refuse { reference, cause }) => (reference, cause),
        other => panic!("not refused: {other:?}"),
    }
}

fn service_centre(rp: &Rp) -> &Address {
    let Body::Data { service_centre, .. } = &rp.body else { panic!("an RP-DATA") };
    service_centre
}

#[test]
fn r1_data_from_a_mobile() {
    let (rp, tpdu) = rp("002A000791280100000010113107049136190000A908C8303A8C0EA3C3", FromMobile);
    assert_eq!(rp.reference, 42);
    assert_eq!(service_centre(&rp), &Address::international("821000000001").unwrap());
    assert!(matches!(tpdu, Some(Tpdu::Submit(submit)) if submit.reference == 7));
}

#[test]
fn r2_data_to_a_mobile() {
    let (rp, tpdu) = rp("010507912801000000100016040491361900005150713220052308C8303A8C0EA3C3", ToMobile);
    assert_eq!(rp.reference, 5);
    assert_eq!(service_centre(&rp).value(), "821000000001");
    assert!(matches!(tpdu, Some(Tpdu::Deliver(deliver)) if deliver.originator.value() == "6391"));
}

#[test]
fn r3_ack_to_a_mobile() {
    let (rp, tpdu) = rp("032A4109010052019041300363", ToMobile);
    assert_eq!(rp.reference, 42);
    let Some(Tpdu::SubmitReport(report)) = tpdu else { panic!("a SUBMIT-REPORT") };
    // 2025-10-09 14:03:30 +09:00
    assert_eq!(Some(report.timestamp), Timestamp::of_unix_seconds(1_759_986_210, 36));
    assert_eq!(report.failure_cause, None);
}

#[test]
fn r4_ack_from_a_mobile() {
    let (rp, tpdu) = rp("020541020000", FromMobile);
    assert_eq!(rp.reference, 5);
    assert!(matches!(tpdu, Some(Tpdu::DeliverReport(report)) if report.parameters.is_empty()));
}

#[test]
fn r5_error_from_a_mobile() {
    let (rp, tpdu) = rp("04050116410300D300", FromMobile);
    let Body::Error { cause, diagnostic: None, .. } = rp.body else { panic!("an RP-ERROR") };
    assert_eq!((rp.reference, cause), (5, Cause::MEMORY_CAPACITY_EXCEEDED));
    let Some(Tpdu::DeliverReport(report)) = tpdu else { panic!("a DELIVER-REPORT") };
    assert_eq!(report.failure_cause, Some(FailureCause::MEMORY_EXCEEDED));
}

#[test]
fn r6_error_to_a_mobile() {
    let (rp, tpdu) = rp("052A0115", ToMobile);
    assert!(matches!(rp.body, Body::Error { cause: Cause::TRANSFER_REJECTED, diagnostic: None, tpdu: None }));
    assert_eq!((rp.reference, tpdu), (42, None));
}

#[test]
fn r7_memory_available() {
    let (rp, _) = rp("0607", FromMobile);
    assert_eq!((rp.reference, rp.body), (7, Body::MemoryAvailable));
    let to_mobile = Rp { reference: 7, body: Body::MemoryAvailable }.encode(ToMobile);
    assert_eq!(to_mobile, Err(EncodeError::WrongDirection));
}

#[test]
fn what_cannot_be_matched_is_unreadable() {
    for octets in ["", "00"] {
        assert_eq!(Rp::decode(&hex(octets), FromMobile), Err(Malformed::Unreadable));
    }
}

#[test]
fn an_unknown_type_or_one_of_the_other_side_is_refused() {
    for octets in ["072A", "012A", "032A", "052A0115"] {
        assert_eq!(refused(octets, FromMobile), (42, Cause::MESSAGE_TYPE_NON_EXISTENT), "{octets}");
    }
    for octets in ["0607", "0007", "0207"] {
        assert_eq!(refused(octets, ToMobile), (7, Cause::MESSAGE_TYPE_NON_EXISTENT), "{octets}");
    }
}

#[test]
fn broken_mandatory_elements_are_refused() {
    for octets in [
        "002A",                                                       // nothing
        "002A0000113107049136190000A908C8303A8C0EA3C3",               // no service centre
        "002A0007912801000000101131070491",                           // shorter than it says
        "002A0007912801000000100",                                    // no octet of a TPDU
        "002A079128010000001007912801000000100131",                   // two addresses
        "002A000D91280100000010280100000010113107049136190000A908C8", // an address of 13 octets
        "002A0007D12801000000100101",                                 // a name as service centre
    ] {
        let octets = if octets.len() % 2 == 0 { octets.to_owned() } else { format!("{octets}0") };
        assert_eq!(refused(&octets, FromMobile), (42, Cause::INVALID_MANDATORY_INFORMATION), "{octets}");
    }
}

#[test]
fn an_answer_is_never_lost_for_a_broken_element() {
    let body = |octets, direction| Rp::decode(&hex(octets), direction).map(|rp| rp.body);
    // The report is cut short, or some other element stands there.
    assert_eq!(body("02054109000000", FromMobile), Ok(Body::Ack { tpdu: None }));
    assert_eq!(body("020542020000", FromMobile), Ok(Body::Ack { tpdu: None }));
    // No cause at all: the unknown one of that side.
    let error = |cause| Ok(Body::Error { cause, diagnostic: None, tpdu: None });
    assert_eq!(body("0405", FromMobile), error(Cause::PROTOCOL_ERROR));
    assert_eq!(body("052A", ToMobile), error(Cause::TEMPORARY_FAILURE));
    assert_eq!(
        body("052A0295AA", ToMobile),
        Ok(Body::Error { cause: Cause(0x15), diagnostic: Some(0xAA), tpdu: None })
    );
}

#[test]
fn unknown_causes_count_by_side() {
    assert_eq!(Cause(22).as_received(FromMobile), Cause::MEMORY_CAPACITY_EXCEEDED);
    assert_eq!(Cause(22).as_received(ToMobile), Cause::TEMPORARY_FAILURE);
    assert_eq!(Cause(38).as_received(ToMobile), Cause::NETWORK_OUT_OF_ORDER);
    assert_eq!(Cause(38).as_received(FromMobile), Cause::PROTOCOL_ERROR);
    assert_eq!(Cause(97).as_received(FromMobile), Cause::MESSAGE_TYPE_NON_EXISTENT);
}

/// The RP layer is sound but the TPDU is not: the cause that answers it.
#[test]
fn causes_of_broken_tpdus() {
    let cause = |tpdu: &str| {
        let length = tpdu.len() / 2;
        let rp = Rp::decode(&hex(&format!("002A000791280100000010{length:02X}{tpdu}")), FromMobile);
        match rp.expect("the RP layer is sound").tpdu(FromMobile) {
            Some(Err(error)) => Cause::of_tpdu(error),
            other => panic!("not broken: {other:?}"),
        }
    };
    assert_eq!(cause("03"), Cause::MESSAGE_TYPE_NON_EXISTENT);
    assert_eq!(cause("0107"), Cause::INVALID_MANDATORY_INFORMATION);
    assert_eq!(cause("01071591"), Cause::SEMANTICALLY_INCORRECT);
}

#[test]
fn a_service_centre_needs_digits() {
    let data = |service_centre| Rp { reference: 1, body: Body::Data { service_centre, tpdu: vec![1] } };
    let name = Address::alphanumeric("centre").unwrap();
    assert_eq!(data(name).encode(ToMobile), Err(EncodeError::NoServiceCentre));
    let empty = Address::international("").unwrap();
    assert_eq!(data(empty).encode(FromMobile), Err(EncodeError::NoServiceCentre));
}
