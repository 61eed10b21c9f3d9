//! The pictures in `README.md` and the tables in `MACHINES.md` are those of the code. After a change run the tests with
//! `WRITE_DOCUMENTS=1`.

use std::path::Path;

use sip_transaction::table::{CLIENT, INVITE_CLIENT, INVITE_SERVER, Machine, SERVER, picture, rows_as_text};

const MACHINES: [&Machine; 4] = [&INVITE_CLIENT, &INVITE_SERVER, &CLIENT, &SERVER];

fn compare(file: &str, wanted: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    let wanted = wanted(&is);
    if std::env::var_os("WRITE_DOCUMENTS").is_some() {
        std::fs::write(&path, &wanted).expect("the document can be written");
        return;
    }
    assert_eq!(is, wanted, "{file} is behind the tables");
}

#[test]
fn the_tables_of_the_document_are_those_of_the_code() {
    compare("MACHINES.md", |_| {
        let machines: Vec<String> = MACHINES.iter().map(|machine| rows_as_text(machine)).collect();
        format!(
            "# The transaction machines\n\nWritten from `src/table/machines.rs` by `tests/documents.rs`; a dot means \
             the state stays.\n\n{}",
            machines.join("\n")
        )
    });
}

#[test]
fn the_pictures_of_the_readme_are_those_of_the_code() {
    compare("README.md", |readme| {
        let (begin, end) = ("<!-- pictures -->\n", "<!-- end -->");
        let (head, rest) = readme.split_once(begin).expect("the mark where pictures begin");
        let (_, tail) = rest.split_once(end).expect("the mark where they end");
        let pictures: Vec<String> = MACHINES.iter().map(|machine| picture(machine)).collect();
        format!("{head}{begin}```text\n{}```\n{end}{tail}", pictures.join("\n"))
    });
}
