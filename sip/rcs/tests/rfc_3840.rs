//! Feature tags of devices: spelling does not count, nothing is lost, nothing is invented.

use sip_rcs::features::{Wanted, iari, icsi, service_name, service_urn, tag};
use sip_rcs::{Capabilities, Features};

fn written(features: &Features) -> String {
    let mut out = Vec::new();
    features.write(&mut out);
    String::from_utf8(out).expect("a value")
}

const MSG: &str = "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";
const SESSION: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session";

#[test]
fn lists_are_read_however_they_are_spelled() {
    let list = format!("\"{MSG}, {SESSION}\"");
    let upper = "\"URN%3aURN-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";
    for parameters in [
        vec![("+g.3gpp.icsi-ref", Some(list.as_str()))],
        vec![("+g.3gpp.icsi-ref", Some(MSG)), ("+G.3GPP.ICSI-REF", Some(SESSION))],
        vec![("+g.3gpp.icsi-ref", Some(upper)), ("+g.3gpp.icsi-ref", Some(list.as_str()))],
    ] {
        let features = Features::read(parameters);
        assert!(features.has_service(icsi::MSG) && features.has_service(icsi::SESSION));
        assert!(!features.has_service(icsi::LARGE_MSG));
    }
    let case = Features::read([("+g.3gpp.icsi-ref", Some("urn:urn-7:3GPP-service.ims.icsi.oma.cpm.msg"))]);
    assert!(!case.has_service(icsi::MSG));
}

#[test]
fn lists_are_merged_into_one_parameter_with_their_colons_encoded() {
    let mut features = Features::read([
        ("+g.3gpp.icsi-ref", Some(MSG)),
        ("+g.3gpp.app_ref", Some("\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.geopush\"")),
        ("expires", Some("600")),
        ("+sip.instance", Some("\"<urn:gsma:imei:35555555-555555-0>\"")),
        ("q", Some("0.5")),
        ("isfocus", None),
        ("+g.gsma.rcs.botversion", Some("\"#=1,#=2\"")),
        ("+vnd.example.unknown", Some("\"x\"")),
    ]);
    features.merge(&Features::read([
        ("+g.3gpp.icsi-ref", Some(SESSION)),
        ("+g.3gpp.icsi-ref", Some(MSG)),
        ("+g.gsma.rcs.botversion", Some("\"#=2,#=3\"")),
    ]));
    assert_eq!(
        written(&features),
        ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,\
         urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"\
         ;+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.geopush\"\
         ;isfocus;+g.gsma.rcs.botversion=\"#=1,#=2,#=3\";+vnd.example.unknown=\"x\""
    );
    assert!(features.has_bot_version(3) && !features.has_bot_version(4));
}

#[test]
fn an_urn_of_somebody_else_is_kept_whole() {
    let features = Features::read([("+g.3gpp.iari-ref", Some("\"urn%3Aexample%3Aown\""))]);
    assert!(features.has_application("urn:example:own"));
    assert_eq!(written(&features), ";+g.3gpp.iari-ref=\"urn%3Aexample%3Aown\"");
}

#[test]
fn a_value_cannot_end_its_header() {
    let features =
        Features::read([("+x", Some("\"a\"b\r\nVia: c\\\"")), ("+g.3gpp.icsi-ref", Some("x\"\n,y%22"))]);
    assert_eq!(
        written(&features),
        ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.x,urn%3Aurn-7%3A3gpp-service.ims.icsi.y\";+x=\"abVia: c\""
    );
}

#[test]
fn false_is_absence() {
    let features = Features::read([("automata", Some("\"FALSE\"")), ("video", Some("TRUE"))]);
    assert!(!features.has_tag(tag::AUTOMATA));
    assert_eq!(features.tag("video"), Some(""));
}

#[test]
fn sets_are_bounded() {
    let many: Vec<String> = (0..500).map(|number| format!("+tag{number}")).collect();
    let urns = (0..500).map(|number| format!("n{number}")).collect::<Vec<_>>().join(",");
    let mut features = Features::read(many.iter().map(|name| (name.as_str(), None)));
    features.merge(&Features::read([("+g.3gpp.icsi-ref", Some(urns.as_str()))]));
    assert_eq!(written(&features).matches("+tag").count(), 64);
    assert_eq!(written(&features).matches("icsi.n").count(), 64);
    let long = "x".repeat(300);
    assert!(
        Features::read([("+a", Some(long.as_str())), ("+g.3gpp.icsi-ref", Some(long.as_str()))]).is_empty()
    );
}

#[test]
fn services_stand_unescaped_in_their_own_header() {
    assert_eq!(service_name("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg"), Some(icsi::LARGE_MSG));
    assert_eq!(service_name(&service_urn(icsi::SESSION_GROUP)), Some(icsi::SESSION_GROUP));
    assert_eq!(service_name("urn:urn-7:3gpp-service.ims.icsi."), None);
    assert_eq!(service_name("oma.cpm.msg"), None);
}

#[test]
fn capabilities_come_from_any_of_their_tags() {
    for (parameters, expected) in [
        (
            ("+g.gsma.rcs.cpm.pager-large", None),
            Capabilities::STANDALONE_PAGER | Capabilities::STANDALONE_LARGE,
        ),
        (("+g.3gpp.icsi-ref", Some("oma.cpm.msg")), Capabilities::STANDALONE_PAGER),
        (("+g.oma.sip-im", None), Capabilities::CHAT_SIMPLE),
        (
            ("+g.3gpp.iari-ref", Some("urn%3Aurn-7%3A3gpp-application.ims.iari.rcse.im")),
            Capabilities::CHAT_SIMPLE,
        ),
        (
            ("+g.3gpp.icsi-ref", Some("\"urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer\"")),
            Capabilities::FILE_MSRP,
        ),
        (("+g.gsma.rcs.mls.mls-version", Some("\"v1\"")), Capabilities::MLS),
        (("automata", None), Capabilities::NONE),
        (("+g.3gpp.smsip", None), Capabilities::SMS_OVER_IP),
    ] {
        let found = Capabilities::of(&Features::read([parameters]));
        assert_eq!(found, expected, "{parameters:?}");
    }
    let bot = Features::read([
        ("automata", None),
        ("+g.3gpp.iari-ref", Some("urn:urn-7:3gpp-application.ims.iari.rcs.chatbot.sa")),
    ]);
    assert!(Capabilities::of(&bot).contains(Capabilities::IS_BOT | Capabilities::CHATBOT_STANDALONE));
}

#[test]
fn capabilities_survive_the_way_out_and_back() {
    for bit in 0..19 {
        let one = Capabilities::from_bits(1 << bit);
        assert!(Capabilities::of(&one.features()).contains(one), "{one:?}");
        assert_eq!(one.names().count(), 1);
    }
    let all = Capabilities::from_bits(u32::MAX);
    let features = all.features();
    assert_eq!(Capabilities::of(&features), all);
    assert_eq!(all.names().count(), 19);
    assert!(features.has_bot_version(1) && features.has_application(iari::FILE_TRANSFER_HTTP));
    assert!(!Capabilities::SMS_OVER_IP.any_of(Capabilities::RCS));
}

#[test]
fn rfc_3841_a_request_reaches_devices_that_match() {
    let device =
        Features::read([("+g.3gpp.icsi-ref", Some(MSG)), ("+g.gsma.rcs.botversion", Some("\"#=1,#=2\""))]);
    let wanted =
        |parameters: &[(&'static str, Option<&'static str>)]| Wanted::read(parameters.iter().copied());
    let msg = ("+g.3gpp.icsi-ref", Some(MSG));
    let session = ("+g.3gpp.icsi-ref", Some(SESSION));
    let require = ("require", None);
    let explicit = ("explicit", None);
    assert!(device.admits(&wanted(&[msg, require, explicit])));
    assert!(device.admits(&wanted(&[session])));
    assert!(!device.admits(&wanted(&[session, require])));
    assert!(device.admits(&wanted(&[("+g.gsma.rcs.botversion", Some("\"#=2\"")), require, explicit])));
    assert!(!device.admits(&wanted(&[("+g.gsma.rcs.botversion", Some("\"#=3\"")), require])));
    // What a device does not speak of, it does not contradict, unless it had to speak of it.
    let geo = ("+g.3gpp.iari-ref", Some("urn:urn-7:3gpp-application.ims.iari.rcs.geopush"));
    assert!(device.admits(&wanted(&[geo, require])));
    assert!(!device.admits(&wanted(&[geo, require, explicit])));
    assert!(!device.admits(&wanted(&[("automata", None), require, explicit])));

    let mut out = Vec::new();
    wanted(&[msg, require, explicit]).write(&mut out);
    assert_eq!(out, format!("*;+g.3gpp.icsi-ref=\"{MSG}\";require;explicit").into_bytes());
}
