//! Disposition notifications: requests, reports of any spelling, several at once, and the interworking extension.

use std::borrow::Cow;

use bytes::Bytes;
use sip_rcs::Private;
use sip_rcs::cpim::{ANONYMOUS, Cpim, Field, Writer};
use sip_rcs::imdn::{self, Disposition, ImdnError, Notification, Report, Requested};
use sip_rcs::mime::Kind;
use sip_rcs::xml::{Unreadable, XmlError};

fn one(document: &str) -> Report<'_> {
    let reports = imdn::read(document.as_bytes()).expect("a value");
    assert_eq!(reports.len(), 1);
    reports.into_iter().next().expect("a value")
}

fn document(notification: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\n \
         <message-id>Qk71-aa03</message-id>\n <datetime>2025-03-01T09:30:00.250+09:00</datetime>\n \
         <recipient-uri>tel:+821011112222</recipient-uri>\n {notification}\n</imdn>\n"
    )
}

#[test]
fn every_status_is_read_and_written() {
    for (notification, statuses) in [
        ("delivery", &["delivered", "failed", "forbidden", "error"][..]),
        ("display", &["displayed", "forbidden", "error"]),
        ("processing", &["processed", "stored", "forbidden", "error"]),
    ] {
        for status in statuses {
            let text = document(&format!(
                "<{notification}-notification><status><{status}/></status></{notification}-notification>"
            ));
            let report = one(&text);
            assert_eq!(report.message_id, "Qk71-aa03");
            assert_eq!(report.date_time, "2025-03-01T09:30:00.250+09:00");
            assert_eq!(report.recipient.as_ref().unwrap().as_str(), "tel:+821011112222");
            assert_eq!(report.disposition.status(), *status);
            assert!(!matches!(report.disposition, Disposition::Unknown(_)));
            let mut out = Vec::new();
            report.write(&mut out);
            assert_eq!(imdn::read(&out).unwrap().first(), Some(&report));
        }
    }
}

#[test]
fn interworking_is_told_by_its_namespace() {
    for (status, disposition) in [
        ("legacy-sms", Disposition::LegacySms),
        ("legacy-mms", Disposition::LegacyMms),
        ("error", Disposition::InterworkingError),
        ("legacy-fax", Disposition::Unknown(Notification::Interworking)),
    ] {
        let text = document(&format!(
            "<o:interworking-notification xmlns:o=\"urn:oma:xml:cpm:imdn-extensions:1.0\"><o:status><o:{status}/>\
             </o:status></o:interworking-notification>"
        ));
        assert_eq!(one(&text).disposition, disposition);
    }
    let foreign = document(
        "<o:interworking-notification xmlns:o=\"urn:example:o\"><o:status/></o:interworking-notification>",
    );
    assert_eq!(imdn::read(foreign.as_bytes()), Err(Unreadable::Missing("notification")));
    let mut out = Vec::new();
    Report { disposition: Disposition::LegacySms, ..one(&document("<delivery-notification/>")) }
        .write(&mut out);
    assert_eq!(imdn::read(&out).unwrap()[0].disposition, Disposition::LegacySms);
}

#[test]
fn any_prefix_any_order_and_unknown_elements_are_fine() {
    let text = "<r:imdn xmlns:r='urn:ietf:params:xml:ns:imdn' xmlns:q='urn:q'><q:more><r:message-id>no</r:message-id></q:more>\
        <r:display-notification><q:x/><r:status><r:displayed/><r:forbidden/></r:status></r:display-notification>\
        <!-- here --><r:note>thanks</r:note><r:message-id>\n a&amp;b&#x2d;<![CDATA[<c>]]> </r:message-id></r:imdn>";
    let report = one(text);
    assert_eq!(report.message_id, "a&b-<c>");
    assert_eq!(report.disposition, Disposition::Displayed);
    assert_eq!((report.date_time.as_ref(), report.recipient), ("", None));
}

#[test]
fn a_document_without_its_namespace_is_taken_at_its_word() {
    let text = "<imdn><message-id>m</message-id><delivery-notification><status><delivered/></status></delivery-notification></imdn>";
    assert_eq!(one(text).disposition, Disposition::Delivered);
}

#[test]
fn an_unknown_status_changes_nothing() {
    for inner in ["<status><gone/></status>", "<status/>", ""] {
        let text = document(&format!("<delivery-notification>{inner}</delivery-notification>"));
        assert_eq!(one(&text).disposition, Disposition::Unknown(Notification::Delivery));
    }
}

#[test]
fn two_notifications_in_one_document_are_two_reports() {
    let text = document(
        "<delivery-notification><status><delivered/></status></delivery-notification>\
         <display-notification><status><displayed/></status></display-notification>",
    );
    let told: Vec<_> = imdn::read(text.as_bytes()).unwrap().iter().map(|report| report.disposition).collect();
    assert_eq!(told, [Disposition::Delivered, Disposition::Displayed]);
    let many = document(&"<display-notification/>".repeat(5));
    assert!(matches!(imdn::read(many.as_bytes()), Err(Unreadable::TooMany { .. })));
}

#[test]
fn what_is_no_notification_is_refused() {
    for (text, error) in [
        ("<isComposing/>", Unreadable::Root("imdn")),
        ("<imdn xmlns='urn:other'/>", Unreadable::Root("imdn")),
        ("<imdn/>", Unreadable::Missing("message-id")),
        ("<imdn><message-id> </message-id></imdn>", Unreadable::Missing("message-id")),
        ("<imdn><message-id>m</message-id></imdn>", Unreadable::Missing("notification")),
        ("<!DOCTYPE imdn><imdn/>", Unreadable::Xml(XmlError::DocumentType)),
        ("<imdn><message-id>&who;</message-id></imdn>", Unreadable::Xml(XmlError::Entity)),
        ("", Unreadable::Xml(XmlError::Malformed)),
    ] {
        assert_eq!(imdn::read(text.as_bytes()), Err(error), "{text}");
    }
    let large = vec![b' '; 16 * 1024 + 1];
    assert!(matches!(imdn::read(&large), Err(Unreadable::Xml(XmlError::TooLarge { .. }))));
}

fn told(content_type: &str, body: &str) -> (Vec<(String, Disposition)>, Result<(), ImdnError>) {
    let mut told = Vec::new();
    let result = imdn::read_body(content_type, &Bytes::copy_from_slice(body.as_bytes()), |report| {
        told.push((report.message_id.into_owned(), report.disposition));
    });
    (told, result)
}

#[test]
fn several_reports_come_in_one_body() {
    let delivered = document("<delivery-notification><status><delivered/></status></delivery-notification>");
    let (reports, result) = told("message/imdn+xml", &delivered);
    assert_eq!((reports.len(), result), (1, Ok(())));

    let base64 = "PGltZG4+PG1lc3NhZ2UtaWQ+bTI8L21lc3NhZ2UtaWQ+PGRpc3BsYXktbm90aWZpY2F0aW9uPjxzdGF0dXM+PGRpc3BsYXllZC8+\r\n\
                  PC9zdGF0dXM+PC9kaXNwbGF5LW5vdGlmaWNhdGlvbj48L2ltZG4+";
    let body = format!(
        "ignored\r\n--b\r\nContent-Type: message/imdn+xml\r\n\r\n{delivered}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n\
         --b\nContent-Type: Message/IMDN+xml\nContent-Transfer-Encoding: base64\n\n{base64}\n--b--\r\n"
    );
    let (reports, result) = told("multipart/mixed;boundary=\"b\"", &body);
    assert_eq!(
        reports,
        [("Qk71-aa03".to_owned(), Disposition::Delivered), ("m2".to_owned(), Disposition::Displayed)]
    );
    assert_eq!(result, Ok(()));
}

#[test]
fn a_damaged_part_does_not_hide_the_others() {
    let good = document("<delivery-notification><status><failed/></status></delivery-notification>");
    let body = format!(
        "--b\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn\r\n--b\r\nContent-Type: message/imdn+xml\r\n\r\n{good}"
    );
    let (reports, result) = told("multipart/mixed;boundary=b", &body);
    assert_eq!(reports, [("Qk71-aa03".to_owned(), Disposition::Failed)]);
    assert_eq!(result, Err(ImdnError::Unreadable(Unreadable::Xml(XmlError::Malformed))));
    let (_, result) = told("multipart/mixed;boundary=b", "--b\r\n\r\ntext\r\n--b--");
    assert_eq!(result, Err(ImdnError::NoReport));
    let (_, result) = told("multipart/mixed", "x");
    assert!(matches!(result, Err(ImdnError::Multipart(_))));
}

#[test]
fn requests_are_a_list_of_known_values() {
    let all = Requested::POSITIVE_DELIVERY
        | Requested::NEGATIVE_DELIVERY
        | Requested::PROCESSING
        | Requested::DISPLAY
        | Requested::INTERWORKING;
    let mut out = Vec::new();
    all.write(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "positive-delivery, negative-delivery, processing, display, interworking");
    assert_eq!(Requested::read(&text), all);
    assert_eq!(
        Requested::read(" Display ;x=1,,read-by-owl,positive-delivery"),
        Requested::DISPLAY | Requested::POSITIVE_DELIVERY
    );
    assert_eq!(Requested::read(""), Requested::NONE);
    assert!(all.contains(Requested::DISPLAY) && !Requested::DISPLAY.contains(all));
}

#[test]
fn every_report_is_asked_for_by_something() {
    assert_eq!(Disposition::Delivered.asked_by(), Requested::POSITIVE_DELIVERY);
    assert_eq!(Disposition::Failed.asked_by(), Requested::NEGATIVE_DELIVERY);
    assert_eq!(Disposition::Displayed.asked_by(), Requested::DISPLAY);
    assert_eq!(Disposition::Stored.asked_by(), Requested::PROCESSING);
    assert_eq!(Disposition::LegacySms.asked_by(), Requested::INTERWORKING);
}

#[test]
fn notifications_and_typing_never_ask() {
    for (content_type, wanted) in [
        ("text/plain", Requested::DISPLAY),
        ("message/imdn+xml", Requested::NONE),
        ("application/im-iscomposing+xm", Requested::NONE),
    ] {
        let mut out = Vec::new();
        Writer::new(&mut out).imdn("m", Requested::DISPLAY).content(content_type, b"");
        assert_eq!(Requested::of(&Cpim::read(out.into()).unwrap()), wanted, "{content_type}");
    }
}

#[test]
fn a_report_message_carries_its_length_its_disposition_and_the_way_back() {
    let mut asked = Vec::new();
    Writer::new(&mut asked)
        .imdn("Qk71-aa03", Requested::POSITIVE_DELIVERY)
        .header("imdn.IMDN-Record-Route", "<sip:b.example>")
        .header("imdn.IMDN-Record-Route", "<sip:a.example>")
        .stop();
    let asked = Cpim::read(asked.into()).unwrap();
    let report = Report {
        message_id: Cow::Borrowed("Qk71<&>"),
        date_time: Cow::Borrowed("2025-03-01T09:30:00.250+09:00"),
        recipient: Some(Private(Cow::Borrowed("tel:+821011112222"))),
        original_recipient: Some(Private(Cow::Borrowed("tel:+821033334444"))),
        disposition: Disposition::LegacySms,
    };
    let mut out = Vec::new();
    report.write_message(
        Writer::new(&mut out)
            .from(ANONYMOUS)
            .to(ANONYMOUS)
            .imdn("n1", Requested::NONE)
            .date_time(0, 0)
            .routes_of(&asked),
    );
    let message = Cpim::read(out.into()).unwrap();
    assert_eq!(message.kind(), Kind::Imdn);
    assert_eq!(message.mime("content-disposition"), Some("notification"));
    assert_eq!(message.mime("Content-Length"), Some(message.content().len().to_string().as_str()));
    let routes: Vec<_> = message.all(Field::Route).map(|route| route.text().unwrap()).collect();
    assert_eq!(routes, ["<sip:b.example>", "<sip:a.example>"]);
    assert_eq!(message.header(Field::DispositionNotification).map(|header| header.field()), None);
    assert_eq!(imdn::read(message.content()).unwrap()[0], report);
    assert!(!format!("{report:?}").contains("8210"));
}
