//! 3GPP TS 23.040 §9.2: transfer protocol data units.

mod support;

use sms::dcs::Dcs;
use sms::rp::{Body, Rp};
use sms::tpdu::{
    Address, AddressError, Carrier, Civil, CommandType, Direction, FailureCause, Npi, Pid, Relative, Status,
    StatusClass, Timestamp, Ton, Tpdu, Validity,
};
use sms::udh::{Concatenation, Reference};
use sms::user_data::UserData;
use sms::{Alphabet, DecodeError};
use support::hex;

use Direction::{FromMobile, ToMobile};

/// Reads the octets and writes them back.
fn tpdu(octets: &str, direction: Direction, carrier: Carrier) -> Tpdu {
    let read = Tpdu::decode(&hex(octets), direction, carrier).expect("the vector is well formed");
    assert_eq!(read.encode(), Ok(hex(octets)));
    read
}

fn text(data: &UserData, dcs: Dcs) -> String {
    assert!(!data.is_truncated);
    data.text(dcs.alphabet()).expect("it is text")
}

fn time(date: (u16, u8, u8), clock: (u8, u8, u8), quarter_hours: i8) -> Option<Civil> {
    let ((year, month, day), (hour, minute, second)) = (date, clock);
    Some(Civil { year, month, day, hour, minute, second, quarter_hours })
}

#[test]
fn t1_deliver() {
    let Tpdu::Deliver(deliver) =
        tpdu("040B918100551512F20000111010214365000AE8329BFD4697D9EC37", ToMobile, Carrier::Data)
    else {
        panic!("a DELIVER")
    };
    assert_eq!(deliver.originator, Address::international("18005551212").unwrap());
    assert_eq!((deliver.pid, deliver.dcs), (Pid::NORMAL, Dcs::GSM7));
    assert_eq!(deliver.timestamp.civil(), time((2011, 1, 1), (12, 34, 56), 0));
    assert_eq!(text(&deliver.user_data, deliver.dcs), "hellohello");
    assert!(!deliver.more_to_send);
    // The vector has the service centre's address in front, in the form that RP-DATA carries.
    let data = hex("010507912143658709F1001C040B918100551512F20000111010214365000AE8329BFD4697D9EC37");
    let rp = Rp::decode(&data, ToMobile).unwrap();
    assert!(matches!(&rp.body, Body::Data { service_centre, .. } if service_centre.value() == "12345678901"));
    assert_eq!(rp.tpdu(ToMobile), Some(Ok(Tpdu::Deliver(deliver))));
}

#[test]
fn t2_deliver_from_a_name_in_ucs2() {
    let Tpdu::Deliver(deliver) =
        tpdu("0414D04937BD2C7797E9D3E614000811309291024061080442043504410442", ToMobile, Carrier::Data)
    else {
        panic!("a DELIVER")
    };
    assert_eq!(deliver.originator, Address::alphanumeric("InternetSMS").unwrap());
    assert_eq!(deliver.timestamp.civil(), time((2011, 3, 29), (19, 20, 4), 16));
    assert_eq!(deliver.dcs, Dcs::UCS2);
    assert_eq!(text(&deliver.user_data, deliver.dcs), "тест");
}

#[test]
fn t3_submit() {
    let Tpdu::Submit(submit) = tpdu("3107049136190000A908C8303A8C0EA3C3", FromMobile, Carrier::Data) else {
        panic!("a SUBMIT")
    };
    assert!(submit.status_report_requested && !submit.reject_duplicates && !submit.reply_path);
    assert_eq!((submit.reference, submit.destination.value()), (7, "6391"));
    assert_eq!(submit.validity, Validity::Relative(Relative(0xA9)));
    assert_eq!(Relative(0xA9).seconds(), 72 * 3_600);
    assert_eq!(text(&submit.user_data, submit.dcs), "Hahahaha");
}

#[test]
fn t4_submit_with_a_header() {
    let Tpdu::Submit(submit) = tpdu(
        "51530B919989887707F00000AD29050003EF0201906536FB0D0A854221502C1603C96432D06C3603D1683450AD5603D96C36",
        FromMobile,
        Carrier::Data,
    ) else {
        panic!("a SUBMIT")
    };
    assert_eq!((submit.reference, submit.destination.value()), (83, "99988877700"));
    assert_eq!(submit.validity, Validity::Relative(Relative(173)));
    let concatenation = submit.user_data.header.as_ref().and_then(sms::Udh::concatenation);
    assert_eq!(concatenation, Concatenation::new(Reference::Eight(0xEF), 2, 1));
    assert_eq!(text(&submit.user_data, submit.dcs), "Hello !!!! 111 222 333 444 555 666");
}

#[test]
fn t5_status_report() {
    let Tpdu::StatusReport(report) =
        tpdu("061A0D91112233445566F7903042614123219030426141232100", ToMobile, Carrier::Data)
    else {
        panic!("a STATUS-REPORT")
    };
    assert!(!report.more_to_send && !report.is_about_command);
    assert_eq!((report.reference, report.recipient.value()), (26, "1122334455667"));
    assert_eq!(report.timestamp.civil(), time((2009, 3, 24), (16, 14, 32), 12));
    assert_eq!(report.discharge_time, report.timestamp);
    assert_eq!((report.status, report.status.class()), (Status::RECEIVED, StatusClass::Done));
    assert!(report.parameters.is_empty());
}

#[test]
fn t6_status_report_with_everything() {
    let Tpdu::StatusReport(report) =
        tpdu("22FF0791776655F0903042614123009030426141234C0A07000004C1B0D00E", ToMobile, Carrier::Data)
    else {
        panic!("a STATUS-REPORT")
    };
    assert!(report.is_about_command && report.more_to_send);
    assert_eq!((report.reference, report.recipient.value()), (255, "7766550"));
    assert_eq!(report.timestamp.civil().unwrap().quarter_hours, 0);
    assert_eq!(report.discharge_time.civil().unwrap().quarter_hours, -44);
    assert_eq!(report.status, Status(0x0A));
    assert_eq!((report.parameters.pid, report.parameters.dcs), (Some(Pid::NORMAL), Some(Dcs::GSM7)));
    assert_eq!(text(report.parameters.user_data.as_ref().unwrap(), Dcs::GSM7), "AaBv");
}

#[test]
fn t7_command() {
    let Tpdu::Command(command) = tpdu("020B212C0C0D91112233445566F7057365742041", FromMobile, Carrier::Data)
    else {
        panic!("a COMMAND")
    };
    assert_eq!((command.reference, command.pid, command.number), (11, Pid(0x21), 12));
    assert_eq!(command.command, CommandType(0x2C));
    assert_eq!(command.destination.value(), "1122334455667");
    assert_eq!(command.data.octets, b"set A");
}

#[test]
fn t8_deliver_report_in_an_error() {
    let Tpdu::DeliverReport(report) = tpdu("00C806000AC8329BFD068542A110", FromMobile, Carrier::Error) else {
        panic!("a DELIVER-REPORT")
    };
    assert_eq!(report.failure_cause, Some(FailureCause(0xC8)));
    assert_eq!((report.parameters.pid, report.parameters.dcs), (None, Some(Dcs::GSM7)));
    assert_eq!(text(report.parameters.user_data.as_ref().unwrap(), Dcs::GSM7), "Hello !!!!");
}

#[test]
fn t9_deliver_report_in_an_ack() {
    let Tpdu::DeliverReport(report) = tpdu("00012C", FromMobile, Carrier::Ack) else {
        panic!("a DELIVER-REPORT")
    };
    assert_eq!((report.failure_cause, report.parameters.pid), (None, Some(Pid(0x2C))));
}

#[test]
fn t10_submit_report_in_an_error() {
    let Tpdu::SubmitReport(report) =
        tpdu("01C80670505151101121000AC8329BFD068542A110", ToMobile, Carrier::Error)
    else {
        panic!("a SUBMIT-REPORT")
    };
    assert_eq!(report.failure_cause, Some(FailureCause(0xC8)));
    assert_eq!(report.timestamp.civil(), time((2007, 5, 15), (15, 1, 11), 12));
    assert_eq!(text(report.parameters.user_data.as_ref().unwrap(), Dcs::GSM7), "Hello !!!!");
}

#[test]
fn t11_submit_report_in_an_ack() {
    let Tpdu::SubmitReport(report) = tpdu("0101705051511011212C", ToMobile, Carrier::Ack) else {
        panic!("a SUBMIT-REPORT")
    };
    assert_eq!((report.failure_cause, report.parameters.pid), (None, Some(Pid(0x2C))));
}

#[test]
fn t12_korean_deliver() {
    let Tpdu::Deliver(deliver) =
        tpdu("040BA11010325476F80084211012210363630ABEC8B3E7C7CFBCBCBFE4", ToMobile, Carrier::Data)
    else {
        panic!("a DELIVER")
    };
    assert_eq!(deliver.originator, Address::new(Ton::National, Npi::TELEPHONE, "01012345678").unwrap());
    assert_eq!(deliver.dcs, Dcs::KS_C_5601);
    assert_eq!(deliver.timestamp.civil(), time((2012, 1, 21), (12, 30, 36), 36));
    assert_eq!(text(&deliver.user_data, deliver.dcs), "안녕하세요");
}

/// §9.2.3.1: the two bits mean one thing from a mobile and another to it, and reports travel in answers only.
#[test]
fn message_types_by_direction_and_carrier() {
    let unexpected = |first, direction, carrier| {
        let mut octets = vec![0; 40];
        octets[0] = first;
        matches!(Tpdu::decode(&octets, direction, carrier), Err(DecodeError::UnexpectedType { .. }))
    };
    for (direction, carrier, expected) in [
        (FromMobile, Carrier::Data, [0, 3].as_slice()),
        (FromMobile, Carrier::Ack, &[1, 2, 3]),
        (FromMobile, Carrier::Error, &[1, 2, 3]),
        (ToMobile, Carrier::Data, &[1]),
        (ToMobile, Carrier::Ack, &[0, 2, 3]),
        (ToMobile, Carrier::Error, &[0, 2, 3]),
    ] {
        let found: Vec<u8> = (0..4).filter(|&first| unexpected(first, direction, carrier)).collect();
        assert_eq!(found, expected, "{direction:?} {carrier:?}");
    }
}

#[test]
fn missing_user_data_is_flagged_and_read() {
    let whole = hex("3107049136190000A908C8303A8C0EA3C3");
    let Ok(Tpdu::Submit(submit)) = Tpdu::decode(&whole[..14], FromMobile, Carrier::Data) else {
        panic!("a SUBMIT")
    };
    assert!(submit.user_data.is_truncated);
    assert_eq!(submit.user_data.text(Alphabet::Gsm7).as_deref(), Some("Haha"));

    let longer = [whole.as_slice(), &[1, 2, 3]].concat();
    assert_eq!(
        Tpdu::decode(&longer, FromMobile, Carrier::Data),
        Tpdu::decode(&whole, FromMobile, Carrier::Data)
    );
}

#[test]
fn a_missing_field_is_said_with_its_place() {
    let cut = &hex("3107049136190000A908C8303A8C0EA3C3")[..5];
    assert_eq!(
        Tpdu::decode(cut, FromMobile, Carrier::Data),
        Err(DecodeError::Truncated { at: 4, needed: 2, left: 1 })
    );
    let long_address = [&[0x01, 7, 21, 0x91][..], &[0; 30]].concat();
    assert!(matches!(
        Tpdu::decode(&long_address, FromMobile, Carrier::Data),
        Err(DecodeError::OutOfRange { field: "address length", got: 21, max: 20 })
    ));
}

/// §9.2.3.27: continued indicators are skipped; a status report's broken end does not cost the report.
#[test]
fn parameter_indicators() {
    let Ok(Tpdu::DeliverReport(report)) = Tpdu::decode(&hex("0081002C"), FromMobile, Carrier::Ack) else {
        panic!("a DELIVER-REPORT")
    };
    assert_eq!(report.parameters.pid, Some(Pid(0x2C)));

    let broken = hex("061A0D91112233445566F790304261412321903042614123210007");
    let Ok(Tpdu::StatusReport(report)) = Tpdu::decode(&broken, ToMobile, Carrier::Data) else {
        panic!("a STATUS-REPORT")
    };
    assert!(report.parameters.is_empty());
}

#[test]
fn addresses() {
    assert_eq!(Address::international(&"1".repeat(21)), Err(AddressError::TooLong { got: 21, max: 20 }));
    assert_eq!(Address::international("+82"), Err(AddressError::NotEncodable));
    assert_eq!(Address::alphanumeric("twelve chars"), Err(AddressError::TooLong { got: 12, max: 11 }));
    assert_eq!(Address::alphanumeric("한글"), Err(AddressError::NotEncodable));
    assert!(Address::new(Ton::Unknown, Npi::UNKNOWN, "*#06#abc").is_ok());
    let shown = format!("{:?}", Address::international("821012345678").unwrap());
    assert_eq!(shown, "Address(International, 1, 12 places)");
}

#[test]
fn a_message_too_long_is_not_written() {
    let Tpdu::Submit(mut submit) = tpdu("3107049136190000A908C8303A8C0EA3C3", FromMobile, Carrier::Data)
    else {
        panic!("a SUBMIT")
    };
    submit.user_data.octets = vec![b'a'; 160];
    assert!(Tpdu::Submit(submit.clone()).encode().is_ok());
    submit.user_data.octets.push(b'a');
    assert!(Tpdu::Submit(submit).encode().is_err());
}

#[test]
fn status_classes() {
    let class = |status| Status(status).class();
    assert_eq!(
        [0x00, 0x1F, 0x20, 0x3F].map(class),
        [StatusClass::Done, StatusClass::Done, StatusClass::Trying, StatusClass::Trying]
    );
    assert_eq!(
        [0x40, 0x5F, 0x60, 0x7F, 0x80].map(class),
        [
            StatusClass::Failed,
            StatusClass::Failed,
            StatusClass::GaveUp,
            StatusClass::GaveUp,
            StatusClass::Reserved
        ]
    );
}

#[test]
fn an_impossible_time_stamp_is_relayed_as_it_came() {
    let mut octets = hex("040B918100551512F20000111010214365000AE8329BFD4697D9EC37");
    octets[11..18].fill(0xFF);
    let Ok(Tpdu::Deliver(deliver)) = Tpdu::decode(&octets, ToMobile, Carrier::Data) else {
        panic!("a DELIVER")
    };
    assert_eq!((deliver.timestamp, deliver.timestamp.civil()), (Timestamp([0xFF; 7]), None));
    assert_eq!(Tpdu::Deliver(deliver).encode(), Ok(octets));
}

#[test]
fn nothing_personal_in_debug() {
    let deliver = tpdu("040B918100551512F20000111010214365000AE8329BFD4697D9EC37", ToMobile, Carrier::Data);
    let shown = format!("{deliver:?}");
    assert!(!shown.contains("18005551212") && !shown.contains("hello"), "{shown}");
}
