//! `gateway phone`: an RCS phone in the terminal, for first tries.

use std::{net::SocketAddr, process::ExitCode};

use clap::Args;
use miette::IntoDiagnostic;
use sip_rcs::imdn::Disposition;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::handset::{Handset, Heard, Owner};

#[derive(Debug, Args)]
pub(crate) struct Phone {
    /// Whose phone it is, in international form.
    number: String,
    #[arg(long, default_value = "demo")]
    password: String,
    #[arg(long, default_value = "ims.example")]
    domain: String,
    /// Where the gateway takes SIP over TCP.
    #[arg(long, default_value = "127.0.0.1:5060")]
    gateway: SocketAddr,
}

impl Phone {
    pub(crate) fn run(self) -> ExitCode {
        super::block_on(self.talk())
    }

    #[expect(clippy::print_stdout, reason = "a phone shows what it gets")]
    async fn talk(self) -> miette::Result<ExitCode> {
        let owner = Owner { number: self.number, password: self.password, domain: self.domain.clone() };
        let number = owner.number.clone();
        let mut phone = Handset::register_at(self.gateway, owner).await?;
        println!(
            "{number} is registered. Write `NUMBER TEXT`, or only a text to who wrote last; Ctrl-D ends."
        );
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut to: Option<String> = None;
        loop {
            tokio::select! {
                heard = phone.next() => match heard? {
                    Heard::Text { from, text, about } => {
                        println!("{} ▷ {text}", short(&from));
                        phone.read(&from, &about).await?;
                        to = Some(from);
                    }
                    Heard::Report(disposition) => println!("    {}", word(disposition)),
                    Heard::Refused(status) => println!("    refused: {status}"),
                },
                line = lines.next_line() => {
                    let Some(line) = line.into_diagnostic()? else { return Ok(ExitCode::SUCCESS) };
                    let text = match line.split_once(' ') {
                        Some((number, text)) if is_number(number) => {
                            to = Some(format!("sip:{number}@{}", self.domain));
                            text
                        }
                        _ => &line,
                    };
                    match &to {
                        _ if text.trim().is_empty() => {}
                        Some(to) => phone.write(to, text).await?,
                        None => println!("    to whom? Write a number first: +821011110002 hello"),
                    }
                }
            }
        }
    }
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('+').unwrap_or(word);
    digits.len() >= 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The user of a URI.
fn short(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.split(['@', ';']).next().unwrap_or(rest)
}

const fn word(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Delivered => "delivered",
        Disposition::Displayed => "read",
        _ => "not delivered",
    }
}
