//! Taking messages back, however a network spells it; and messages about messages.

use std::borrow::Cow;

use sip_rcs::Private;
use sip_rcs::cpim::{Cpim, Field, Writer};
use sip_rcs::operation::{Operation, Verb};
use sip_rcs::revoke::{self, Revocation, Template, TemplateError};
use sip_rcs::xml::Unreadable;

#[test]
fn documents_are_read_by_the_names_of_their_elements() {
    for (text, result) in [
        (
            "<imRevoke xmlns='urn:a'><Message-ID> m1 </Message-ID><From>sip:a@b</From><To>sip:c@d</To></imRevoke>",
            None,
        ),
        (
            "<x:r xmlns:x='urn:b'><x:body><x:message-id>m1</x:message-id><x:message-id>m2</x:message-id></x:body><x:result>Success</x:result></x:r>",
            Some(true),
        ),
        ("<r><revokeResult>failed</revokeResult><messageId>m1</messageId></r>", Some(false)),
        ("<r><MESSAGE-ID>m1</MESSAGE-ID><status>ok</status></r>", Some(true)),
    ] {
        let revocation = revoke::read(text.as_bytes()).unwrap();
        assert_eq!((revocation.message_id.as_ref(), revocation.result), ("m1", result), "{text}");
    }
    assert_eq!(revoke::read(b"<r><id>m1</id></r>"), Err(Unreadable::Missing("Message-ID")));
}

fn revocation(result: Option<bool>) -> Revocation<'static> {
    Revocation {
        message_id: Cow::Borrowed("m{to}<1>"),
        from: Some(Private(Cow::Borrowed("sip:a&b@c.example"))),
        to: Some(Private(Cow::Borrowed("tel:+821011112222"))),
        result,
    }
}

#[test]
fn the_default_spelling_is_read_back() {
    for result in [None, Some(true), Some(false)] {
        let mut out = Vec::new();
        Template::default().write(&mut out, &revocation(result));
        assert_eq!(revoke::read(&out), Ok(revocation(result)));
    }
    assert!(!format!("{:?}", revocation(None)).contains("8210"));
}

#[test]
fn an_operator_has_a_spelling_of_their_own() {
    let template = Template::new(
        "<r style='{x}'><Message-ID>{message-id}</Message-ID></r>".into(),
        "<r><Message-ID>{message-id}</Message-ID><result>{result}</result></r>".into(),
    )
    .unwrap();
    let mut out = Vec::new();
    template.write(&mut out, &revocation(None));
    assert_eq!(String::from_utf8(out).unwrap(), "<r style='{x}'><Message-ID>m{to}&lt;1&gt;</Message-ID></r>");
    let good = "<r><Message-ID>{message-id}</Message-ID><result>{result}</result></r>";
    for (request, answer, error) in [
        ("<r>{message-id}</r>", good, TemplateError::Request(Unreadable::Missing("Message-ID"))),
        ("<r><Message-ID>m</Message-ID></r>", good, TemplateError::Request(Unreadable::Value("message-id"))),
        (
            "<r><Message-ID>{message-id}</Message-ID></r>",
            "<r><Message-ID>{message-id}</Message-ID></r>",
            TemplateError::Answer(Unreadable::Value("result")),
        ),
    ] {
        assert_eq!(Template::new(request.into(), answer.into()), Err(error));
    }
    assert!(matches!(
        Template::new("<r".into(), good.into()),
        Err(TemplateError::Request(Unreadable::Xml(_)))
    ));
}

fn message(headers: &str) -> Cpim {
    Cpim::read(format!("{headers}\r\n\r\nContent-Type: text/plain\r\n\r\n👍").into_bytes().into())
        .expect("a message")
}

#[test]
fn operations_are_told_by_namespace_and_token() {
    for (token, verb) in [
        ("+Reaction", Verb::React),
        ("reaction", Verb::React),
        ("-REACTION", Verb::Unreact),
        ("+Reply", Verb::Reply),
        ("Edit", Verb::Edit),
        ("+Recall", Verb::Recall),
        ("-Delete", Verb::Recall),
        ("+Sparkle", Verb::Other),
        ("", Verb::Other),
    ] {
        let message = message(&format!(
            "NS: g <http://www.gsma.com>\r\ng.Reference-ID: t1\r\ng.Reference-Type: {token}"
        ));
        assert_eq!(Operation::of(&message), Some(Operation { target: "t1".into(), verb }), "{token}");
    }
    let other = message("NS: g <urn:other>\r\ng.Reference-ID: t1\r\ng.Reference-Type: +Reaction");
    assert_eq!(Operation::of(&other), None);
    assert_eq!(Operation::of(&message("NS: g <http://www.gsma.com>\r\ng.Reference-ID:")), None);
}

#[test]
fn the_older_variants_are_understood() {
    let older = message(
        "NS: r <urn:rcs:message:reactions:>\r\nr.In-Reply-To-Message-Id: t1\r\nr.Message-Reply-Type: message-reaction-remove",
    );
    assert_eq!(Operation::of(&older), Some(Operation { target: "t1".into(), verb: Verb::Unreact }));
    let linphone = message("NS: l <tag:linphone.org,2020:params:groupchat>\r\nl.Replying-To-Message-ID: t2");
    assert_eq!(Operation::of(&linphone), Some(Operation { target: "t2".into(), verb: Verb::Reply }));
}

#[test]
fn what_is_written_is_read() {
    for verb in [Verb::React, Verb::Unreact, Verb::Reply, Verb::Edit, Verb::Recall, Verb::Other] {
        let operation = Operation { target: "t\\1\r\nX: y".into(), verb };
        let mut out = Vec::new();
        Writer::new(&mut out).operation(&operation).content("text/plain", b"");
        let message = Cpim::read(out.into()).unwrap();
        assert_eq!(Operation::of(&message), Some(operation));
        assert_eq!(message.header(Field::ReferenceType).is_some(), verb != Verb::Other);
    }
}
