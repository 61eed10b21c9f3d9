//! Words that belong to one machine and not to the project, and files that are spoken of but not there.

use super::{File, Finding};

/// Written in two halves, so that this file does not contain them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tmp", "/t/"), "a path of one machine"),
    (concat!("/home", "/"), "a path of one machine"),
    (concat!("files.python", "hosted.org"), "a registry is named by its client, not by its host"),
    (concat!("py", "pi.org"), "a registry is named by its client, not by its host"),
    (concat!("registry.", "npmjs.org"), "a registry is named by its client, not by its host"),
    (concat!("static.", "crates.io"), "a registry is named by its client, not by its host"),
    (concat!("index.", "crates.io"), "a registry is named by its client, not by its host"),
    (concat!("deb.", "debian.org"), "a registry is named by its client, not by its host"),
];

const EXAMPLES: &str = "config/examples/";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            let said = FORBIDDEN.iter().filter(|(word, _)| line.contains(word));
            findings.extend(said.map(|(word, why)| format!("{}:{number}: {word}: {why}", file.path)));
            let examples = mentioned(line).filter(|path| !files.iter().any(|other| other.path == *path));
            findings.extend(examples.map(|path| format!("{}:{number}: {path} is not there", file.path)));
        }
    }
    findings
}

/// The example configurations that a line names.
fn mentioned(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(EXAMPLES).filter_map(move |(at, _)| {
        let rest = line.get(at..)?;
        let end = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "/-_.".contains(letter)))
            .unwrap_or(rest.len());
        let path = rest.get(..end)?.trim_end_matches('.');
        path.ends_with(".toml").then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_machine_and_missing_examples_are_found() {
        let path = |name: &str| format!("{EXAMPLES}{name}.toml");
        let text =
            format!("cd /{}/main\nsee {}.\nand {}, {}\n", "work", path("none"), path("one"), path("*"));
        let files =
            [File { path: "README.md".into(), text }, File { path: path("one"), text: String::new() }];
        let findings = check(&files);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("README.md:1:") && findings[1].starts_with("README.md:2:"));
    }
}
