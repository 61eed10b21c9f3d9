//! The committed ladders are what the flows really do. `UPDATE=1` writes them anew, for review.

use std::{fs, path::Path};

#[test]
fn the_committed_ladders_are_what_happens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ladders");
    let ladders = sim::ladders::all().expect("every flow keeps every promise");
    if std::env::var_os("UPDATE").is_some() {
        for ladder in &ladders {
            fs::write(folder.join(format!("{}.txt", ladder.name)), &ladder.text).expect("written");
        }
    }
    for ladder in &ladders {
        let committed = fs::read_to_string(folder.join(format!("{}.txt", ladder.name))).unwrap_or_default();
        assert_eq!(committed, ladder.text, "{} differs; UPDATE=1 writes it anew", ladder.name);
    }
    let files = fs::read_dir(&folder).expect("the folder of ladders").count();
    assert_eq!(files, ladders.len(), "a ladder that no flow writes");
}
