//! The cases. Each begins with an empty store.

mod commit;
mod content;
mod damage;
mod keep;
mod lives;
mod totals;

pub(crate) use commit::*;
pub(crate) use content::*;
pub(crate) use damage::*;
pub(crate) use keep::*;
pub(crate) use lives::*;
pub(crate) use totals::*;
