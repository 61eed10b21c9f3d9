//! Where things are in the tree.

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The top of the tree, from where this chore was built.
pub(crate) fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path.pop();
    path
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Foreign software that no package manager keeps for us.
pub(crate) fn peers() -> PathBuf {
    root().join("target/peers")
}

/// A port of the loopback that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of the loopback is free")?;
    Ok(probe.local_addr()?.port())
}

/// Today, as the `date` program says it.
pub(crate) fn today() -> String {
    let said = std::process::Command::new("date").arg("+%Y-%m-%d").output();
    said.map_or_else(|_| "unknown date".into(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
