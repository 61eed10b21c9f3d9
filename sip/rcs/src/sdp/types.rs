//! Lists of media types, with a star for any.

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::mime;

/// Types of one list.
pub(super) const TYPES_MAX: usize = 64;

/// What one side takes. Order is kept, case makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types {
    any: bool,
    listed: SmallVec<[SmolStr; 4]>,
}

impl Types {
    /// Everything.
    #[must_use]
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// Reads the value of `accept-types` or `accept-wrapped-types`.
    #[must_use]
    pub fn read(value: &str) -> Self {
        let mut types = Self::default();
        for one in value.split_ascii_whitespace() {
            if one == "*" {
                types.any = true;
            } else if types.listed.len() < TYPES_MAX {
                types.listed.push(SmolStr::new(one));
            }
        }
        types
    }

    /// Whether a content type may be sent. `image/*` stands for its family.
    #[must_use]
    pub fn admits(&self, content_type: &str) -> bool {
        let wanted = mime::essence(content_type);
        let family = wanted.split_once('/').map_or(wanted, |(family, _)| family);
        self.any
            || self.listed.iter().any(|one| {
                let one = mime::essence(one);
                let same = |family_of: &str| family_of.eq_ignore_ascii_case(family);
                one.eq_ignore_ascii_case(wanted) || one.strip_suffix("/*").is_some_and(same)
            })
    }

    /// What both take: what a leg in the middle may promise to either.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mine = self.listed.iter().filter(|one| other.admits(one));
        let theirs = other.listed.iter().filter(|one| self.admits(one) && !self.listed.contains(one));
        Self { any: self.any && other.any, listed: mine.chain(theirs).cloned().collect() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.any && self.listed.is_empty()
    }
}

impl std::fmt::Display for Types {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, one) in self.listed.iter().map(SmolStr::as_str).chain(self.any.then_some("*")).enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(one)?;
        }
        Ok(())
    }
}
