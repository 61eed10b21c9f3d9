//! `a=accept-types` and `a=accept-wrapped-types`: what may be sent (RFC 4975 §8.6).

use smol_str::SmolStr;

/// Media types; `*` is any, `text/*` any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepts(Vec<SmolStr>);

impl Default for Accepts {
    fn default() -> Self {
        Self::any()
    }
}

impl Accepts {
    /// Entries that are remembered; an offer with more is cut.
    const ENTRIES_MAX: usize = 64;

    /// Everything.
    pub fn any() -> Self {
        Self(vec![SmolStr::new_static("*")])
    }

    /// The types of the attribute's value, with spaces between them.
    pub fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().take(Self::ENTRIES_MAX).collect()
    }

    /// May this be sent? Parameters of `content_type` do not count, nor does the case.
    pub fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let Some((kind, sub)) = essence.split_once('/') else { return false };
        !kind.is_empty() && !sub.is_empty() && self.0.iter().any(|entry| entry_takes(entry, essence, kind))
    }

    /// The types as given.
    pub fn types(&self) -> &[SmolStr] {
        &self.0
    }
}

impl<S: AsRef<str>> FromIterator<S> for Accepts {
    fn from_iter<T: IntoIterator<Item = S>>(types: T) -> Self {
        Self(types.into_iter().map(|one| SmolStr::new(one.as_ref())).collect())
    }
}

fn entry_takes(entry: &str, essence: &str, kind: &str) -> bool {
    let entry = entry.split(';').next().unwrap_or_default();
    entry == "*"
        || entry == "*/*"
        || entry.eq_ignore_ascii_case(essence)
        || entry.strip_suffix("/*").is_some_and(|all_of| all_of.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4975_8_6_wildcards_case_and_parameters() {
        let some = Accepts::parse("message/cpim  text/* Application/im-iscomposing+xml");
        for good in
            ["message/cpim", "TEXT/plain;charset=utf-8", "text/html", "application/im-iscomposing+xml"]
        {
            assert!(some.takes(good), "{good}");
        }
        for bad in ["message/imdn+xml", "texts/plain", "text", "text/", "", "application/*"] {
            assert!(!some.takes(bad), "{bad}");
        }
        assert!(Accepts::any().takes("image/png"));
        assert!(!Accepts::parse("").takes("text/plain"));
    }
}
