//! The S-CSCF in front of the gateway, shown with an application server that lets everything go on.

use std::net::SocketAddr;

use crate::{
    account::{Account, Transport, uri},
    capture::{Capture, Protocol},
    ims::{Ims, RegistrationBody},
    kamailio::Kamailio,
    linphone::{Linphone, Wrapping},
    program::free_address,
    sipp::{Scenario, Sipp, with_aka, with_password},
};

/// Commands of Cx (TS 29.229).
const SERVER_ASSIGNMENT: u32 = 301;
const MULTIMEDIA_AUTH: u32 = 303;

const USERS: &[&str] = &["mina", "jun", "+821011110001"];

/// An S-CSCF at the address, and the application server that it knows.
fn core(body: RegistrationBody) -> (Ims, SocketAddr, Kamailio) {
    let (scscf, application_server) = (free_address(), free_address());
    let server = Kamailio::start("application_server.cfg", application_server, &[]);
    (Ims::start(scscf, application_server, body, USERS), scscf, server)
}

#[test]
fn phones_register_and_write_to_each_other_through_the_application_server() {
    let (mut ims, scscf, mut server) = core(RegistrationBody::Register);
    let capture = Capture::start(&[(scscf, Protocol::Sip)]);
    let mut mina = Linphone::register(&Account::new("mina", scscf, Transport::Udp), Wrapping::Cpim);
    ims.hss_answers(MULTIMEDIA_AUTH, "mina");
    ims.hss_answers(SERVER_ASSIGNMENT, "mina");
    let registration = server.wait_for("registration: ");
    assert!(registration.starts_with("user=mina from=sip:"), "the S-CSCF registers itself: {registration}");
    assert!(registration.ends_with("type=message/sip"), "{registration}");
    let mut jun = Linphone::register(&Account::new("jun", scscf, Transport::Tcp), Wrapping::Cpim);
    server.wait_for("registration: user=jun");
    mina.send(&uri("jun"), "through the core");
    assert_eq!(jun.wait_for_message()["text"], "through the core");
    let sent = server.wait_for("MESSAGE: ");
    assert!(sent.starts_with("served=<sip:mina@ims.example>;sescase=orig;regstate=reg"), "{sent}");
    assert!(sent.contains("asserted=<sip:mina@ims.example> to=sip:jun@"), "{sent}");
    let received = server.wait_for("MESSAGE: ");
    assert!(received.starts_with("served=<sip:jun@ims.example>;sescase=term;regstate=reg"), "{received}");
    mina.wait_for_state("through the core", "delivered");
    jun.unregister();
    let ended = server.wait_for("registration: user=jun");
    assert!(ended.contains("expires=0"), "{ended}");
    capture.finish().dissected();
}

#[test]
fn a_registration_tells_the_application_server_what_the_hss_says() {
    let (_ims, scscf, mut server) = core(RegistrationBody::ServiceInfo);
    let _mina = Linphone::register(&Account::new("mina", scscf, Transport::Udp), Wrapping::Cpim);
    let registration = server.wait_for("registration: ");
    assert!(registration.ends_with("type=application/3gpp-ims+xml"), "{registration}");
}

#[test]
fn sipp_registers_with_aka_and_with_a_password() {
    let (mut ims, scscf, mut server) = core(RegistrationBody::Register);
    // The HSS has one vector, which a user can be challenged with once.
    for (transport, user) in [(Transport::Udp, "+821011110001"), (Transport::Tcp, "mina")] {
        let fields = [with_aka(user)];
        let scenario = Scenario { transport, fields: &fields, ..Scenario::new("register_aka", scscf) };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (1, 0));
        assert!(ims.hss_answers(MULTIMEDIA_AUTH, user).contains("\"given\": \"AKAv1-MD5\""));
        server.wait_for(&format!("registration: user={user}"));
    }
    let fields = [with_password("jun", "secret"), with_password("+821011110001", "guess")];
    let scenario = Scenario { calls: 2, fields: &fields, ..Scenario::new("register_md5", scscf) };
    let counters = Sipp::run(&scenario);
    assert_eq!((counters.successful, counters.failed), (1, 1));
    server.wait_for("registration: user=jun");
}
