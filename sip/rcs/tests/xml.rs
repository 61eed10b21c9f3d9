//! The bounded reader: hostile documents end early, lawful ones of any spelling are walked.

use sip_rcs::xml::{Limits, Reader, XmlError, attribute, text};

/// Walks over everything: names, attributes `a` and texts.
fn walk(document: &[u8]) -> Result<Vec<String>, XmlError> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    let mut seen = vec![format!("{}|{}", root.namespace, root.name)];
    while let Some(child) = xml.child(&root)? {
        let a = xml.attribute("a").unwrap_or_default();
        seen.push(format!("{}|{}|{a}|{}", child.namespace, child.name, xml.text(&child)?));
    }
    xml.end()?;
    Ok(seen)
}

#[test]
fn elements_are_known_by_namespace() {
    let document = "\u{FEFF}<?xml version='1.0'?><!-- c --><p:r xmlns:p='u:1' xmlns='u:2'>\n<a/><p:b a=' x&#9;&lt; '>1<i>2</i>3</p:b>\
        <c xmlns='' a='1'/><p:d xmlns:p='u:3'>&amp;<![CDATA[<&]]>&#x41;</p:d><p:e/><q:f/></p:r >\n<?pi?>\n";
    assert_eq!(
        walk(document.as_bytes()).unwrap(),
        ["u:1|r", "u:2|a||", "u:1|b| x\t< |13", "|c|1|", "u:3|d||&<&A", "u:1|e||", "|f||"]
    );
}

#[test]
fn attributes_are_known_by_namespace() {
    let document = b"<r p:x='1' x='2' xmlns:p='u:p' y='3' xml:lang='ko' q:z='4'/>";
    let mut xml = Reader::new(document, Limits::MESSAGE).unwrap();
    xml.root().unwrap();
    assert_eq!(xml.attribute("x").as_deref(), Some("2"));
    assert_eq!(xml.attribute_in("u:p", "x").as_deref(), Some("1"));
    // Neither declared nor prefixed: taken at their word.
    assert_eq!(xml.attribute_in("u:p", "y").as_deref(), Some("3"));
    assert_eq!(xml.attribute("z").as_deref(), Some("4"));
    assert_eq!(xml.attribute("lang"), None);
    assert_eq!(xml.attribute_in("http://www.w3.org/XML/1998/namespace", "lang").as_deref(), Some("ko"));
}

#[test]
fn what_was_not_asked_for_is_skipped() {
    let document = b"<r><a><b><c>deep</c></b></a><d>x</d></r>";
    let mut xml = Reader::new(document, Limits::MESSAGE).unwrap();
    let root = xml.root().unwrap();
    let a = xml.child(&root).unwrap().unwrap();
    let b = xml.child(&a).unwrap().unwrap();
    assert_eq!(b.name, "b");
    let d = xml.child(&root).unwrap().unwrap();
    assert_eq!((d.name, xml.text(&d).unwrap().as_ref()), ("d", "x"));
    assert_eq!(xml.child(&root), Ok(None));
    assert_eq!(xml.end(), Ok(()));
}

#[test]
fn hostile_documents_end_early() {
    let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
    for (document, error) in [
        (bomb, XmlError::DocumentType),
        ("<!DOCTYPE r SYSTEM \"file:///x\"><r/>", XmlError::DocumentType),
        ("<!doctype r><r/>", XmlError::DocumentType),
        ("<r><c>&b;</c></r>", XmlError::Entity),
        ("<r><c a='&b;'/></r>", XmlError::Entity),
        ("<r><c>&#xFFFFFFFFF;</c></r>", XmlError::Entity),
        ("<r><c>&#0;</c></r>", XmlError::Entity),
        ("<r><c>&#1;</c></r>", XmlError::NotText),
        ("<r><c a='&#xFFFE;'/></r>", XmlError::NotText),
        ("<r><c>\u{1}</c></r>", XmlError::NotText),
        ("<r><c a='1' a='2'/></r>", XmlError::AttributeTwice),
        ("<r><c a=1/></r>", XmlError::Malformed),
        ("<r><c a='<'/></r>", XmlError::Malformed),
        ("<r><c></r></c>", XmlError::Malformed),
        ("<r><c>", XmlError::Malformed),
        ("<r", XmlError::Malformed),
        ("<r/><r/>", XmlError::Malformed),
        ("<r/>x", XmlError::Malformed),
        ("x<r/>", XmlError::Malformed),
        ("</r>", XmlError::Malformed),
        ("<r><:c/></r>", XmlError::Malformed),
        ("<r><p:q:c/></r>", XmlError::Malformed),
        ("<r><c!/></r>", XmlError::Malformed),
        ("", XmlError::Malformed),
    ] {
        assert_eq!(walk(document.as_bytes()), Err(error), "{document}");
    }
    assert_eq!(walk(b"<r>\xFF</r>"), Err(XmlError::NotText));
    assert_eq!(walk(b"\xFF\xFE<\0r\0/\0>\0"), Err(XmlError::NotText));
}

#[test]
fn limits_hold_at_their_edge() {
    let Limits { octets, depth, elements, attributes, value } = Limits::MESSAGE;
    let nested = |levels: usize| "<r>".repeat(levels) + &"</r>".repeat(levels);
    assert!(walk(nested(usize::from(depth)).as_bytes()).is_ok());
    assert_eq!(walk(nested(usize::from(depth) + 1).as_bytes()), Err(XmlError::TooDeep { max: depth }));

    let wide = |children: usize| format!("<r>{}</r>", "<c/>".repeat(children));
    assert!(walk(wide(elements as usize - 1).as_bytes()).is_ok());
    assert_eq!(walk(wide(elements as usize).as_bytes()), Err(XmlError::TooManyElements { max: elements }));

    let long = |length: usize| format!("<r><c a='{0}'>{0}</c></r>", "v".repeat(length));
    assert!(walk(long(value).as_bytes()).is_ok());
    assert_eq!(walk(long(value + 1).as_bytes()), Err(XmlError::ValueTooLong { max: value }));
    let split = format!("<r><c>{}&lt;{}</c></r>", "v".repeat(value), "v");
    assert_eq!(walk(split.as_bytes()), Err(XmlError::ValueTooLong { max: value }));

    let many = |count: usize| {
        let list: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        format!("<r><c{list}/></r>")
    };
    assert!(walk(many(usize::from(attributes)).as_bytes()).is_ok());
    let too_many = XmlError::TooManyAttributes { max: attributes };
    assert_eq!(walk(many(usize::from(attributes) + 1).as_bytes()), Err(too_many));
    let spaces: String = (0..=attributes).map(|number| format!(" xmlns:a{number}='u'")).collect();
    assert_eq!(walk(format!("<r{spaces}/>").as_bytes()), Err(too_many));

    let padded = |length: usize| format!("<r/>{}", " ".repeat(length - 4));
    assert!(walk(padded(octets).as_bytes()).is_ok());
    assert_eq!(
        walk(padded(octets + 1).as_bytes()),
        Err(XmlError::TooLarge { octets: octets + 1, max: octets })
    );
}

#[test]
fn whatever_is_written_is_read_back() {
    for value in ["", "plain", "<a href=\"x\">&'</a>", "a\tb\nc\rd", "한글 😀"] {
        let mut out = b"<r><c a=\"".to_vec();
        attribute(&mut out, value);
        out.extend_from_slice(b"\">.");
        text(&mut out, value);
        out.extend_from_slice(b".</c></r>");
        assert_eq!(walk(&out).unwrap()[1], format!("|c|{value}|.{value}."), "{value}");
    }
    let mut out = Vec::new();
    text(&mut out, "\u{0}\u{1B}");
    assert_eq!(out, "\u{FFFD}\u{FFFD}".as_bytes());
}
