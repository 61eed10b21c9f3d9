//! Two layers and a bad network between them, in one thread and one random sequence.

mod invite;
mod net;
mod request;
