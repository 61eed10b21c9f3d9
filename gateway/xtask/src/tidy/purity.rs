//! Pure rooms take time and octets in and return decisions and octets: no runtime, no clock, no chance, no environment.

use super::graph::Crate;
use super::{File, Finding};

/// A room without I/O, and the parts of it that may have some all the same.
struct Pure {
    name: &'static str,
    /// Beginnings of paths below `src/`.
    drivers: &'static [&'static str],
}

const PURE: &[Pure] = &[
    Pure { name: "model", drivers: &[] },
    Pure { name: "billing", drivers: &[] },
    Pure { name: "engine", drivers: &[] },
    Pure { name: "sim", drivers: &[] },
    Pure { name: "kit", drivers: &[] },
    Pure { name: "sms", drivers: &[] },
    Pure { name: "messengers", drivers: &[] },
    Pure { name: "sip-message", drivers: &[] },
    Pure { name: "sip-transaction", drivers: &[] },
    Pure { name: "sip-rcs", drivers: &[] },
    Pure { name: "sip-msrp", drivers: &[] },
    Pure { name: "rcs", drivers: &["driver"] },
    Pure { name: "smpp", drivers: &["server", "client", "socket"] },
];

/// Crates that do I/O or bring it. A room with drivers may depend on them; its other modules may not name them.
const IMPURE_CRATES: &[&str] = &[
    "tokio",
    "tokio-util",
    "tokio-rustls",
    "hyper",
    "hyper-util",
    "axum",
    "sqlx",
    "rustls",
    "mio",
    "rand",
    "getrandom",
];

/// What a pure module does not say, and what it does instead.
const IMPURE_WORDS: &[(&str, &str)] = &[
    ("tokio::", "its driver module runs on tokio"),
    ("tokio_util::", "its driver module runs on tokio"),
    ("tokio_rustls::", "its driver module speaks TLS"),
    ("rustls::", "its driver module speaks TLS"),
    ("hyper::", "app owns HTTP"),
    ("axum::", "app owns HTTP"),
    ("sqlx::", "store owns SQL"),
    ("SystemTime::now", "time comes in as an argument"),
    ("Instant::now", "time comes in as an argument"),
    ("Timestamp::now", "time comes in as an argument"),
    ("thread::sleep", "time comes in as an argument"),
    ("std::env", "settings come in as arguments"),
    ("env::var", "settings come in as arguments"),
    ("std::fs", "octets come in as arguments"),
    ("std::net::Tcp", "octets come in as arguments"),
    ("std::net::Udp", "octets come in as arguments"),
    ("rand::", "chance comes in as an argument"),
    ("getrandom", "chance comes in as an argument"),
    ("RandomState", "chance comes in as an argument; use a fixed hasher"),
    ("Uuid::new_v4", "chance comes in as an argument"),
    ("Uuid::now_v7", "time comes in as an argument"),
];

pub(super) fn check(crates: &[Crate], files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pure in PURE {
        let Some(room) = crates.iter().find(|one| one.name == pure.name) else { continue };
        if pure.drivers.is_empty() {
            let impure = room.dependencies.iter().filter(|name| IMPURE_CRATES.contains(&name.as_str()));
            findings.extend(
                impure
                    .map(|name| format!("{}/Cargo.toml: {} is pure, {name} is not", room.folder, room.name)),
            );
        }
        let sources = format!("{}/src/", room.folder);
        for file in files {
            let Some(module) = file.path.strip_prefix(&sources).filter(|path| path.ends_with(".rs")) else {
                continue;
            };
            if !is_driver(module, pure.drivers) && !is_test(module) {
                findings.extend(words(file));
            }
        }
    }
    findings
}

fn is_driver(module: &str, drivers: &[&str]) -> bool {
    let first = module.split('/').next().unwrap_or(module);
    drivers.contains(&first.trim_end_matches(".rs"))
}

fn is_test(module: &str) -> bool {
    module.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "testing" | "testing.rs"))
}

fn words(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        // Tests stand at the bottom, and may do what they like.
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let code = line.split("//").next().unwrap_or(line);
        let said = IMPURE_WORDS.iter().find(|(word, _)| contains_word(code, word));
        findings.extend(
            said.map(|(word, instead)| format!("{}:{number}: {word} in a pure room: {instead}", file.path)),
        );
    }
    findings
}

/// `rand::` is not in `strand::`.
fn contains_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(dependencies: &[&str]) -> Crate {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Crate { name: "smpp".into(), folder: "adapters/smpp".into(), licence: None, dependencies }
    }

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_clock_is_found_outside_of_drivers_and_tests() {
        let text = "fn a() {\n    let now = Instant::now(); // tokio::\n}\n#[cfg(test)]\nmod tests { std::env::args(); }";
        let files = [
            file("adapters/smpp/src/window.rs", text),
            file("adapters/smpp/src/server/run.rs", text),
            file("adapters/smpp/src/socket.rs", text),
            file("gateway/app/src/main.rs", text),
        ];
        assert_eq!(
            check(&[room(&["tokio"])], &files),
            ["adapters/smpp/src/window.rs:2: Instant::now in a pure room: time comes in as an argument"]
        );
    }

    #[test]
    fn a_runtime_in_a_manifest_is_found() {
        let engine = Crate { name: "engine".into(), ..room(&["tokio"]) };
        assert_eq!(check(&[engine], &[]).len(), 1);
    }

    #[test]
    fn words_are_whole() {
        assert!(!contains_word("let x = strand::new();", "rand::"));
        assert!(contains_word("use rand::Rng;", "rand::"));
    }
}
