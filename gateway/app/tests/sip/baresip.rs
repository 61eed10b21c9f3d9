//! A phone with baresip: takes `text/plain` only, and answers everything else with 415.

use std::{fs, process::Command};

use tempfile::TempDir;

use crate::{
    account::{Account, DOMAIN},
    program::Program,
};

const CONFIGURATION: &str = "\
poll_method epoll
sip_listen 127.0.0.1:0
module_path /usr/lib/baresip/modules
module stdio.so
module_tmp account.so
module_app contact.so
module_app menu.so
ring_aufile none
message_aufile none
";

pub(crate) struct Baresip {
    program: Program,
    _home: TempDir,
}

impl Baresip {
    /// Starts it and registers. `friend` is whom it writes to.
    #[track_caller]
    pub(crate) fn register(account: &Account<'_>, friend: &str) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let Account { user, password, registrar, transport } = account;
        let over = transport.as_str();
        let line = format!(
            "<sip:{user}@{DOMAIN};transport={over}>;auth_user={user};auth_pass={password};\
             outbound=\"sip:{registrar};transport={over}\";regint=600\n"
        );
        let files = [
            ("config", CONFIGURATION.to_owned()),
            ("accounts", line),
            ("contacts", format!("\"friend\" <{friend}>\n")),
        ];
        for (name, text) in files {
            fs::write(home.path().join(name), text).expect("the folder takes a file");
        }
        let mut command = Command::new("baresip");
        command.arg("-f").arg(home.path());
        let mut program = Program::start("baresip-core", home.path(), &command);
        program.wait_for("a registration", |line| line.contains("200 OK").then_some(()));
        program.tell("/contact_next");
        program.wait_for("its friend", |line| line.contains("Current contact").then_some(()));
        Self { program, _home: home }
    }

    /// Writes to its friend.
    #[track_caller]
    pub(crate) fn send(&mut self, text: &str) {
        self.program.tell(&format!("/message {text}"));
    }

    /// Waits until somebody wrote this, and says who.
    #[track_caller]
    pub(crate) fn wait_for_message(&mut self, text: &str) -> String {
        let shown = format!(": \"{text}\"");
        self.program.wait_for(text, |line| {
            let (sender, _) = line.split_once(&shown)?;
            Some(sender.rsplit(|sign: char| sign.is_whitespace()).next().unwrap_or(sender).to_owned())
        })
    }
}
