//! What holds for every TPDU and RP message, and for every octet that claims to be one.

mod support;

use proptest::prelude::*;
use sms::Udh;
use sms::dcs::Dcs;
use sms::rp::{Body, Cause, Rp};
use sms::tpdu::{
    Address, Carrier, Command, CommandType, Deliver, DeliverReport, Direction, Enhanced, FailureCause, Npi,
    Parameters, Pid, Relative, Status, StatusReport, Submit, SubmitReport, Timestamp, Ton, Tpdu, Validity,
};
use sms::user_data::UserData;
use support::hex;

use Direction::{FromMobile, ToMobile};

fn digits(at_least: usize) -> impl Strategy<Value = Address> {
    let ton = proptest::sample::select(vec![
        Ton::Unknown,
        Ton::International,
        Ton::National,
        Ton::NetworkSpecific,
        Ton::Subscriber,
        Ton::Abbreviated,
        Ton::Reserved,
    ]);
    let value = proptest::collection::vec(
        proptest::sample::select("0123456789*#abc".chars().collect::<Vec<_>>()),
        at_least..=20,
    );
    (ton, 0..16_u8, value).prop_map(|(ton, npi, value)| {
        Address::new(ton, Npi::new(npi), &value.iter().collect::<String>()).expect("it has codes and fits")
    })
}

fn address() -> impl Strategy<Value = Address> {
    let name = "[ -Z_a-z]{0,11}|[€\\[]{0,5}";
    prop_oneof![digits(0), name.prop_map(|name| Address::alphanumeric(&name).expect("it has codes and fits"))]
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<[u8; 7]>().prop_map(Timestamp)
}

fn user_data(dcs: Dcs, octets_max: usize) -> impl Strategy<Value = UserData> {
    let is_septets = dcs.alphabet().is_septets();
    let header = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..12));
    let room = octets_max - 13;
    let octets = proptest::collection::vec(any::<u8>(), 0..=room);
    (header, octets).prop_map(move |(header, mut octets)| {
        if is_septets {
            octets.iter_mut().for_each(|octet| *octet &= 0x7F);
        }
        let header = header.map(|elements| {
            let length = u8::try_from(elements.len()).expect("it is short");
            Udh::split(&[&[length], elements.as_slice()].concat()).expect("it fits").0
        });
        UserData { header, octets, is_truncated: false }
    })
}

fn coded(octets_max: usize) -> impl Strategy<Value = (Dcs, UserData)> {
    any::<u8>()
        .prop_map(Dcs)
        .prop_flat_map(move |dcs| user_data(dcs, octets_max).prop_map(move |data| (dcs, data)))
}

fn parameters(octets_max: usize) -> impl Strategy<Value = Parameters> {
    let pid = proptest::option::of(any::<u8>().prop_map(Pid));
    (pid, coded(octets_max), any::<(bool, bool)>()).prop_map(|(pid, (dcs, data), (with_dcs, with_data))| {
        Parameters { pid, dcs: (with_dcs || with_data).then_some(dcs), user_data: with_data.then_some(data) }
    })
}

fn validity() -> impl Strategy<Value = Validity> {
    prop_oneof![
        Just(Validity::Unspecified),
        any::<u8>().prop_map(|octet| Validity::Relative(Relative(octet))),
        timestamp().prop_map(Validity::Absolute),
        any::<[u8; 7]>().prop_map(|octets| Validity::Enhanced(Enhanced(octets))),
    ]
}

fn cause() -> impl Strategy<Value = Option<FailureCause>> {
    proptest::option::of(any::<u8>().prop_map(FailureCause))
}

fn tpdu() -> impl Strategy<Value = Tpdu> {
    let submit = (any::<[bool; 3]>(), any::<u8>(), address(), any::<u8>(), validity(), coded(140)).prop_map(
        |(
            [reject_duplicates, status_report_requested, reply_path],
            reference,
            destination,
            pid,
            validity,
            (dcs, user_data),
        )| {
            Tpdu::Submit(Submit {
                reject_duplicates,
                status_report_requested,
                reply_path,
                reference,
                destination,
                pid: Pid(pid),
                dcs,
                validity,
                user_data,
            })
        },
    );
    let command = (any::<bool>(), any::<[u8; 4]>(), address(), user_data(Dcs::OCTETS, 157)).prop_map(
        |(status_report_requested, [reference, pid, command, number], destination, data)| {
            Tpdu::Command(Command {
                status_report_requested,
                reference,
                pid: Pid(pid),
                command: CommandType(command),
                number,
                destination,
                data,
            })
        },
    );
    let deliver_report = (cause(), parameters(158)).prop_map(|(failure_cause, parameters)| {
        Tpdu::DeliverReport(DeliverReport { failure_cause, parameters })
    });
    let deliver = (any::<[bool; 4]>(), address(), any::<u8>(), timestamp(), coded(140)).prop_map(
        |(
            [more_to_send, loop_prevention, status_report_indication, reply_path],
            originator,
            pid,
            timestamp,
            (dcs, user_data),
        )| {
            Tpdu::Deliver(Deliver {
                more_to_send,
                loop_prevention,
                status_report_indication,
                reply_path,
                originator,
                pid: Pid(pid),
                dcs,
                timestamp,
                user_data,
            })
        },
    );
    let status_report =
        (any::<[bool; 3]>(), any::<[u8; 2]>(), address(), timestamp(), timestamp(), parameters(131))
            .prop_map(
                |(
                    [more_to_send, loop_prevention, is_about_command],
                    [reference, status],
                    recipient,
                    timestamp,
                    discharge_time,
                    parameters,
                )| {
                    Tpdu::StatusReport(StatusReport {
                        more_to_send,
                        loop_prevention,
                        is_about_command,
                        reference,
                        recipient,
                        timestamp,
                        discharge_time,
                        status: Status(status),
                        parameters,
                    })
                },
            );
    let submit_report =
        (cause(), timestamp(), parameters(151)).prop_map(|(failure_cause, timestamp, parameters)| {
            Tpdu::SubmitReport(SubmitReport { failure_cause, timestamp, parameters })
        });
    prop_oneof![submit, command, deliver_report, deliver, status_report, submit_report]
}

fn way(tpdu: &Tpdu) -> (Direction, Carrier) {
    let answer = |cause: Option<FailureCause>| if cause.is_some() { Carrier::Error } else { Carrier::Ack };
    match tpdu {
        Tpdu::Submit(_) | Tpdu::Command(_) => (FromMobile, Carrier::Data),
        Tpdu::DeliverReport(report) => (FromMobile, answer(report.failure_cause)),
        Tpdu::Deliver(_) | Tpdu::StatusReport(_) => (ToMobile, Carrier::Data),
        Tpdu::SubmitReport(report) => (ToMobile, answer(report.failure_cause)),
    }
}

fn direction() -> impl Strategy<Value = Direction> {
    proptest::sample::select(vec![FromMobile, ToMobile])
}

fn rp() -> impl Strategy<Value = (Rp, Direction)> {
    let tpdu = || proptest::collection::vec(any::<u8>(), 1..=233);
    let report = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..=233));
    let body = prop_oneof![
        (digits(1), tpdu()).prop_map(|(service_centre, tpdu)| Body::Data { service_centre, tpdu }),
        report().prop_map(|tpdu| Body::Ack { tpdu }),
        (0..128_u8, any::<Option<u8>>(), report()).prop_map(|(cause, diagnostic, tpdu)| Body::Error {
            cause: Cause(cause),
            diagnostic,
            tpdu
        }),
        Just(Body::MemoryAvailable),
    ];
    (any::<u8>(), body, direction()).prop_map(|(reference, body, direction)| {
        let direction = if body == Body::MemoryAvailable { FromMobile } else { direction };
        (Rp { reference, body }, direction)
    })
}

/// Well-formed octets with a few of them changed, cut or added: they get further than random ones.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = proptest::sample::select(vec![
        "040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
        "0414D04937BD2C7797E9D3E614000811309291024061080442043504410442",
        "3107049136190000A908C8303A8C0EA3C3",
        "51530B919989887707F00000AD29050003EF0201906536FB0D0A854221502C1603C96432D06C3603D1683450AD5603D96C36",
        "061A0D91112233445566F7903042614123219030426141232100",
        "22FF0791776655F0903042614123009030426141234C0A07000004C1B0D00E",
        "020B212C0C0D91112233445566F7057365742041",
        "00C806000AC8329BFD068542A110",
        "01C80670505151101121000AC8329BFD068542A110",
        "002A000791280100000010113107049136190000A908C8303A8C0EA3C3",
        "010507912801000000100016040491361900005150713220052308C8303A8C0EA3C3",
        "04050116410300D300",
    ]);
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4);
    (whole, changes, any::<proptest::sample::Index>(), any::<bool>()).prop_map(
        |(whole, changes, cut, is_cut)| {
            let mut octets = hex(whole);
            for (at, octet) in changes {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
            if is_cut {
                octets.truncate(cut.index(octets.len()));
            }
            octets
        },
    )
}

fn without_flag(mut tpdu: Tpdu) -> Tpdu {
    let data = match &mut tpdu {
        Tpdu::Submit(submit) => Some(&mut submit.user_data),
        Tpdu::Command(command) => Some(&mut command.data),
        Tpdu::Deliver(deliver) => Some(&mut deliver.user_data),
        Tpdu::DeliverReport(report) => report.parameters.user_data.as_mut(),
        Tpdu::StatusReport(report) => report.parameters.user_data.as_mut(),
        Tpdu::SubmitReport(report) => report.parameters.user_data.as_mut(),
    };
    if let Some(data) = data {
        data.is_truncated = false;
    }
    tpdu
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tpdu_comes_back(tpdu in tpdu()) {
        let (direction, carrier) = way(&tpdu);
        let octets = tpdu.encode().expect("it fits");
        prop_assert!(octets.len() <= 233);
        prop_assert_eq!(Tpdu::decode(&octets, direction, carrier), Ok(tpdu));
    }

    #[test]
    fn an_rp_message_comes_back((rp, direction) in rp()) {
        let octets = rp.encode(direction).expect("it fits");
        prop_assert_eq!(Rp::decode(&octets, direction), Ok(rp));
    }

    #[test]
    fn a_time_comes_back(seconds in 631_152_000..3_755_000_000_i64, quarter_hours in -79..80_i8) {
        let written = Timestamp::of_unix_seconds(seconds + 86_400, quarter_hours).expect("it is between 1990 and 2089");
        prop_assert_eq!(written.unix_seconds(), Some(seconds + 86_400));
    }

    /// What can be read can be written, and reads the same again.
    #[test]
    fn any_octets_are_read_or_refused(
        octets in prop_oneof![damaged(), proptest::collection::vec(any::<u8>(), 0..300)],
        direction in direction(),
        carrier in proptest::sample::select(vec![Carrier::Data, Carrier::Ack, Carrier::Error]),
    ) {
        if let Ok(tpdu) = Tpdu::decode(&octets, direction, carrier)
            && let Ok(written) = tpdu.encode()
        {
            prop_assert_eq!(Tpdu::decode(&written, direction, carrier), Ok(without_flag(tpdu)));
        }
        if let Ok(rp) = Rp::decode(&octets, direction) {
            let written = rp.encode(direction).expect("what was read fits");
            let _ = rp.tpdu(direction);
            prop_assert_eq!(Rp::decode(&written, direction), Ok(rp));
        }
    }
}
