//! Taking a message back (GSMA RCC.07 message revocation). The shape of the document is not settled among networks,
//! so it is read liberally and written from a template of the operator.

use std::borrow::Cow;

use crate::private::Private;
use crate::sink::Sink;
use crate::xml::{self, Element, Limits, Reader, Unreadable};

/// Elements inside each other that are looked into.
const SEARCH_DEPTH_MAX: u32 = 8;

/// A request to take a message back, or the answer to one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocation<'a> {
    /// `imdn.Message-ID` of the message.
    pub message_id: Cow<'a, str>,
    pub from: Option<Private<Cow<'a, str>>>,
    pub to: Option<Private<Cow<'a, str>>>,
    /// `None` in a request; whether the message was taken back in an answer.
    pub result: Option<bool>,
}

/// Reads a document by the names of its elements, whatever their case and namespace.
pub fn read(document: &[u8]) -> Result<Revocation<'_>, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    let mut revocation = Revocation::default();
    search(&mut xml, &root, &mut revocation, SEARCH_DEPTH_MAX)?;
    xml.end()?;
    if revocation.message_id.is_empty() {
        return Err(Unreadable::Missing("Message-ID"));
    }
    Ok(revocation)
}

fn search<'a>(
    xml: &mut Reader<'a>,
    of: &Element<'a>,
    revocation: &mut Revocation<'a>,
    depth: u32,
) -> Result<(), Unreadable> {
    while let Some(child) = xml.child(of)? {
        let named = |name: &str| child.name.eq_ignore_ascii_case(name);
        if named("Message-ID") || named("MessageID") {
            let id = xml.text(&child)?;
            if revocation.message_id.is_empty() {
                revocation.message_id = id;
            }
        } else if named("From") {
            revocation.from = Some(Private(xml.text(&child)?));
        } else if named("To") {
            revocation.to = Some(Private(xml.text(&child)?));
        } else if child.name.to_ascii_lowercase().contains("result") || named("status") {
            let result = xml.text(&child)?;
            let positive = ["success", "ok", "true", "revoked"];
            revocation.result = Some(positive.iter().any(|word| result.eq_ignore_ascii_case(word)));
        } else if depth > 0 {
            search(xml, &child, revocation, depth - 1)?;
        }
    }
    Ok(())
}

/// How an operator spells revocations: a document with `{message-id}`, `{from}`, `{to}` and, in answers, `{result}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    request: Cow<'static, str>,
    answer: Cow<'static, str>,
}

/// Why a template is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    #[error("the request is not read back: {0}")]
    Request(Unreadable),
    #[error("the answer is not read back: {0}")]
    Answer(Unreadable),
}

impl Default for Template {
    fn default() -> Self {
        const REQUEST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
            <imRevoke xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:imrevoke\"><Message-ID>{message-id}</Message-ID>\
            <From>{from}</From><To>{to}</To></imRevoke>";
        const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
            <imRevoke xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:imrevoke\"><Message-ID>{message-id}</Message-ID>\
            <From>{from}</From><To>{to}</To><result>{result}</result></imRevoke>";
        Self { request: Cow::Borrowed(REQUEST), answer: Cow::Borrowed(ANSWER) }
    }
}

impl Template {
    /// Takes templates whose documents [`read`] understands.
    pub fn new(request: String, answer: String) -> Result<Self, TemplateError> {
        let template = Self { request: Cow::Owned(request), answer: Cow::Owned(answer) };
        let probe = |result| Revocation {
            message_id: Cow::Borrowed("probe-1"),
            from: Some(Private(Cow::Borrowed("sip:a@b.example"))),
            to: Some(Private(Cow::Borrowed("sip:c@d.example"))),
            result,
        };
        let back = |revocation: &Revocation<'_>| {
            let mut out = Vec::new();
            template.write(&mut out, revocation);
            let back = read(&out)?;
            if back.message_id != revocation.message_id {
                return Err(Unreadable::Value("message-id"));
            }
            if back.result != revocation.result {
                return Err(Unreadable::Value("result"));
            }
            Ok(())
        };
        back(&probe(None)).map_err(TemplateError::Request)?;
        back(&probe(Some(true))).map_err(TemplateError::Answer)?;
        back(&probe(Some(false))).map_err(TemplateError::Answer)?;
        Ok(template)
    }

    /// Fills the template for a request, or for an answer when there is a result.
    pub fn write(&self, out: &mut impl Sink, revocation: &Revocation<'_>) {
        let template = if revocation.result.is_some() { &self.answer } else { &self.request };
        let mut rest: &str = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.put(before.as_bytes());
            let text = |text: &Option<Private<Cow<'_, str>>>| {
                text.as_ref().map_or(String::new(), |text| text.to_string())
            };
            let (value, after) = match after.split_once('}') {
                Some(("message-id", after)) => (revocation.message_id.clone().into_owned(), after),
                Some(("from", after)) => (text(&revocation.from), after),
                Some(("to", after)) => (text(&revocation.to), after),
                Some(("result", after)) => {
                    let result = if revocation.result == Some(true) { "success" } else { "failed" };
                    (result.to_owned(), after)
                }
                // Any other brace is the operator's own.
                _ => ("{".to_owned(), after),
            };
            xml::text(out, &value);
            rest = after;
        }
        out.put(rest.as_bytes());
    }
}
