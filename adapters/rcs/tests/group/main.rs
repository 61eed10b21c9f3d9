//! Group chats (rcs sheet §10, §13.3): a focus, two members with RCS and one with a plain phone, and the gateway
//! between them, all of them scripted.

mod hostile;
mod kept;
mod membership;
mod state;
mod talk;
mod world;
