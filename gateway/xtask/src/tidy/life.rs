//! The page of lives names files and functions; this holds it against the code.

use super::{File, Finding};

const PAGE: &str = "gateway/LIFE.md";

/// Every `path/file.rs: function` of the page must exist.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![format!("{PAGE}: missing")];
    };
    let hops = hops(&page.text);
    if hops.is_empty() {
        return vec![format!("{PAGE}: names no function")];
    }
    let missing = |(path, function): &(&str, &str)| {
        let there =
            files.iter().find(|file| file.path == *path).is_some_and(|file| defines(&file.text, function));
        (!there).then(|| format!("{PAGE}: {path} has no function {function}"))
    };
    hops.iter().filter_map(missing).collect()
}

/// What stands in backticks as `file.rs: function`.
fn hops(page: &str) -> Vec<(&str, &str)> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once(".rs: ").map(|(path, function)| (path, function, quoted)))
        .filter_map(|(path, function, quoted)| Some((quoted.get(..path.len() + 3)?, function)))
        .collect()
}

fn defines(text: &str, function: &str) -> bool {
    ["(", "<"].iter().any(|after| text.contains(&format!("fn {function}{after}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_hop_that_is_gone_is_found() {
        let page = file(PAGE, "1. `a/b.rs: take` then `a/b.rs: gone`, in `words`.");
        let code = file("a/b.rs", "pub fn take(&self) {}");
        assert_eq!(check(&[page, code]), ["gateway/LIFE.md: a/b.rs has no function gone"]);
        assert_eq!(check(&[]).len(), 1);
    }
}
