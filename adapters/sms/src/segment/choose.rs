//! Which alphabet carries a text, and in how many segments: the part that counting and cutting share.

use super::cut::cuts;
use super::profile::{Long, Narrow, Profile, ReferenceWidth};
use super::{Count, Form, Unsendable};
use crate::alphabet::Alphabet;
use crate::gsm7;
use crate::national::{Language, Shifts};

/// The decision about one text.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) count: Count,
    /// Code units of one segment when there are several.
    pub(super) capacity: usize,
    /// Every code unit stands alone: segments are simply full.
    pub(super) is_plain: bool,
}

/// The narrow alphabet when every character has a code there. Otherwise, of national tables, CP949 and UCS-2,
/// the one that needs the fewest segments, then the fewest bits, then the first in that order.
pub(super) fn choose(text: &str, profile: &Profile) -> Result<Plan, Unsendable> {
    let narrow = narrow(text, profile);
    if let Some(plan) = narrow {
        let is_sms = plan.is_ok_and(|plan| plan.count.form == Form::Sms);
        // An LMS is counted in octets of the wider alphabets, so those are asked first.
        if is_sms || !matches!(profile.long(), Long::Lms(_)) {
            return plan;
        }
    }
    let mut best: Option<Result<Plan, Unsendable>> = None;
    for alphabet in candidates(profile) {
        let Some(units) = alphabet.units(text) else { continue };
        let plan = fit(text, alphabet, units, false, profile);
        best = Some(match best {
            Some(best) => better(best, plan),
            None => plan,
        });
    }
    best.or(narrow).unwrap_or(Err(Unsendable::NotEncodable))
}

fn narrow(text: &str, profile: &Profile) -> Option<Result<Plan, Unsendable>> {
    match profile.narrow() {
        Narrow::Gsm7 => {
            let measure = gsm7::measure(text)?;
            Some(fit(text, Alphabet::Gsm7, measure.septets, measure.is_plain, profile))
        }
        Narrow::Latin1 => {
            gsm7::measure(text)?;
            let units = Alphabet::Latin1.units(text)?;
            Some(fit(text, Alphabet::Latin1, units, false, profile))
        }
        Narrow::Off => None,
    }
}

/// Everything the profile allows after the narrow alphabet, preferred first.
fn candidates(profile: &Profile) -> impl Iterator<Item = Alphabet> {
    let (singles, lockings) = (profile.single_shifts(), profile.locking_shifts());
    let single = move |language| singles.contains(language).then_some(language);
    let locking =
        move |language: Language| (lockings.contains(language) && language.has_locking()).then_some(language);
    let national = Language::ALL.into_iter().flat_map(move |language| {
        let (single, locking) = (single(language), locking(language));
        let one = |single, locking| Some(Shifts { locking, single }).filter(|shifts| !shifts.is_none());
        let both = single.and(locking).and_then(|language| one(Some(language), Some(language)));
        [one(single, None), one(None, locking), both].into_iter().flatten().map(Alphabet::Gsm7National)
    });
    let national = Some(national).filter(|_| !(singles.is_empty() && lockings.is_empty()));
    national
        .into_iter()
        .flatten()
        .chain(profile.has_cp949().then_some(Alphabet::Cp949))
        .chain(profile.has_ucs2().then_some(Alphabet::Ucs2))
}

/// Octets of the header, its length octet included (TS 23.040 §9.2.3.24); none when it would be empty.
pub(super) const fn header_octets(alphabet: Alphabet, width: Option<ReferenceWidth>) -> usize {
    let shifts = alphabet.shifts();
    let elements = 3 * (shifts.single.is_some() as usize + shifts.locking.is_some() as usize)
        + match width {
            None => 0,
            Some(ReferenceWidth::Eight) => 5,
            Some(ReferenceWidth::Sixteen) => 6,
        };
    if elements == 0 { 0 } else { 1 + elements }
}

/// How a text of `units` code units travels in this alphabet.
fn fit(
    text: &str,
    alphabet: Alphabet,
    units: usize,
    is_plain: bool,
    profile: &Profile,
) -> Result<Plan, Unsendable> {
    let plan = |form, segments, capacity| {
        Ok(Plan { count: Count { alphabet, form, segments, units: saturated(units) }, capacity, is_plain })
    };
    let too_long =
        |units_max| Err(Unsendable::TooLong { units: saturated(units), units_max: saturated(units_max) });

    let single = alphabet.capacity(profile.octets_max(), header_octets(alphabet, None));
    if units <= single {
        return plan(Form::Sms, 1, single);
    }
    match profile.long() {
        Long::Lms(octets_max) => {
            let units_max = usize::from(octets_max) / alphabet.unit_octets();
            if units <= units_max { plan(Form::Lms, 1, units_max) } else { too_long(units_max) }
        }
        Long::Segments(segments_max) if segments_max >= 2 => {
            let header = header_octets(alphabet, Some(profile.reference()));
            let capacity = alphabet.capacity(profile.octets_max(), header);
            let units_max = capacity * usize::from(segments_max);
            if units > units_max {
                return too_long(units_max);
            }
            let segments = if is_plain {
                u8::try_from(units.div_ceil(capacity)).ok()
            } else {
                count_cuts(text, alphabet, capacity)
            };
            match segments.filter(|&segments| segments <= segments_max) {
                Some(segments) => plan(Form::Sms, segments, capacity),
                None => too_long(units_max),
            }
        }
        Long::Segments(_) | Long::Refuse => too_long(single),
    }
}

/// Segments after cutting, or `None` when they are more than can be numbered.
fn count_cuts(text: &str, alphabet: Alphabet, capacity: usize) -> Option<u8> {
    let mut segments = Some(1_u8);
    cuts(text, alphabet, capacity, |_| {
        segments = segments.and_then(|segments| segments.checked_add(1));
        segments.is_some()
    });
    segments
}

fn better(best: Result<Plan, Unsendable>, other: Result<Plan, Unsendable>) -> Result<Plan, Unsendable> {
    let rank = |plan: &Plan| {
        let Count { alphabet, form, segments, units } = plan.count;
        (form, segments, units as usize * alphabet.unit_bits())
    };
    match (best, other) {
        (Ok(best), Ok(other)) if rank(&other) < rank(&best) => Ok(other),
        (Err(_), Ok(other)) => Ok(other),
        (best, _) => best,
    }
}

fn saturated(units: usize) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}
