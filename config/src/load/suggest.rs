//! "Did you mean …".

/// The candidate that was probably meant, if one is close enough.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    let near = |candidate: &'a str| {
        // `window_max` for `window`, `listen` for `listen_address`: the same word, more or less of it.
        let contains =
            candidate.len() > 3 && word.len() > 3 && (word.contains(candidate) || candidate.contains(word));
        let distance = distance(word, candidate);
        (distance <= allowed || contains).then_some((distance, candidate))
    };
    candidates
        .into_iter()
        .filter_map(near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, removals, replacements and swaps of neighbours (optimal string alignment).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (row[j] + 1).min(last[j + 1] + 1).min(last[j] + usize::from(x != y));
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let keys = ["address", "window", "rate", "name", "binds", "bind"];
        assert_eq!(closest("adress", keys), Some("address"));
        assert_eq!(closest("widnow", keys), Some("window"));
        assert_eq!(closest("window_max", keys), Some("window"));
        assert_eq!(closest("bins", keys), Some("binds"));
        assert_eq!(closest("colour", keys), None);
    }

    #[test]
    fn counts_edits() {
        for (a, b, edits) in
            [("", "", 0), ("abc", "", 3), ("abc", "acb", 1), ("kitten", "sitting", 3), ("비밀", "비빌", 1)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
