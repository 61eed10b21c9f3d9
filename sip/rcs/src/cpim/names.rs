//! Prefixes and what they stand for, line by line (RFC 3862 §3.4).

use smallvec::SmallVec;

use super::lines::{Line, Span};
use super::{Field, Namespace};

/// The namespaces declared so far. A declaration counts for the headers after it; the last one wins.
#[derive(Clone, Default)]
pub(super) struct Names {
    declared: SmallVec<[Declared; 3]>,
}

#[derive(Clone, Copy)]
struct Declared {
    /// Empty for the default namespace.
    prefix: Span,
    uri: Span,
    namespace: Namespace,
}

impl Names {
    /// The value of `NS`: `prefix <uri>`, or `<uri>` for the default namespace. What is neither declares nothing.
    pub(super) fn declare(&mut self, octets: &[u8], value: Span) {
        let text = value.of(octets);
        let Some(opens) = text.iter().position(|&octet| octet == b'<') else { return };
        let Some(closes) = text.iter().rposition(|&octet| octet == b'>').filter(|&at| at > opens) else {
            return;
        };
        let prefix = text[..opens].trim_ascii_end().len() as u16;
        self.declared.push(Declared {
            prefix: Span { from: value.from, until: value.from + prefix },
            uri: Span { from: value.from + opens as u16 + 1, until: value.from + closes as u16 },
            namespace: Namespace::of(&text[opens + 1..closes]),
        });
    }

    /// Says what a header is, and takes the prefix off its name.
    pub(super) fn resolve(&self, octets: &[u8], line: &mut Line) {
        let (prefix, local) = split(line.name.of(octets));
        line.name.from = line.name.until - local.len() as u16;
        (line.namespace, line.declared) = self.namespace(octets, prefix);
        line.field = field(line.namespace, prefix, local);
    }

    /// Whether every header that `Require` names is one of ours.
    pub(super) fn all_known(&self, octets: &[u8], value: Span) -> bool {
        value.of(octets).split(|&octet| octet == b',').map(<[u8]>::trim_ascii).all(|name| {
            let (prefix, local) = split(name);
            name.is_empty() || field(self.namespace(octets, prefix).0, prefix, local) != Field::Other
        })
    }

    pub(super) fn uri(&self, declared: u8) -> Option<Span> {
        self.declared.get(usize::from(declared)).map(|declared| declared.uri)
    }

    fn namespace(&self, octets: &[u8], prefix: &[u8]) -> (Namespace, u8) {
        let found = self.declared.iter().rposition(|one| one.prefix.of(octets).eq_ignore_ascii_case(prefix));
        match found {
            Some(index) => (self.declared[index].namespace, index as u8),
            None if prefix.is_empty() => (Namespace::Core, u8::MAX),
            // Used without being declared often enough.
            None if prefix.eq_ignore_ascii_case(b"imdn") => (Namespace::Imdn, u8::MAX),
            None => (Namespace::Undeclared, u8::MAX),
        }
    }
}

fn split(name: &[u8]) -> (&[u8], &[u8]) {
    name.iter().position(|&octet| octet == b'.').map_or((&[], name), |dot| (&name[..dot], &name[dot + 1..]))
}

/// Another default namespace does not hide `From` and its like.
fn field(namespace: Namespace, prefix: &[u8], name: &[u8]) -> Field {
    match Field::of(namespace, name) {
        Field::Other if prefix.is_empty() => Field::of(Namespace::Core, name),
        field => field,
    }
}
