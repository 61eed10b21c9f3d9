//! Every statement there is, by name. One commit is a handful of statements, however large its batch.

pub(crate) mod postgres;
pub(crate) mod sqlite;

/// One step of the ladder: both databases climb the same steps, each in its own dialect. Steps are never
/// changed once released; a new layout is a new step.
pub(crate) struct Step {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Step 1 stands first.
pub(crate) const LADDER: &[Step] =
    &[Step { sqlite: include_str!("sql/0001.sqlite.sql"), postgres: include_str!("sql/0001.postgres.sql") }];
