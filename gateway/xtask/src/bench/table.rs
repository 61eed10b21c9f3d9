//! A table as GitHub shows it, aligned so that a terminal shows it as well.

use std::fmt::Write;

pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The first column is text, the others are numbers.
    pub(crate) fn print(&self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
                .max(4)
        };
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::from("|");
            for column in 0..columns {
                let cell = row.get(column).map_or("", String::as_str);
                let pad = width(column) - cell.chars().count();
                let (before, after) = if column == 0 { (0, pad) } else { (pad, 0) };
                // Writing into a string cannot fail.
                write!(line, " {:before$}{cell}{:after$} |", "", "").ok();
            }
            println!("{line}");
            if number == 0 {
                let rule: Vec<_> = (0..columns)
                    .map(|column| {
                        if column == 0 {
                            "-".repeat(width(0))
                        } else {
                            format!("{}:", "-".repeat(width(column) - 1))
                        }
                    })
                    .collect();
                println!("| {} |", rule.join(" | "));
            }
        }
    }
}

/// `40347.4` as `40,347`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
