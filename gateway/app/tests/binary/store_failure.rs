use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Mutex, mpsc},
};

use serde_json::json;

use crate::support::{Answer, Gateway, Home, Script, Smsc, carrier, until};

fn submit(gateway: &Gateway) -> Answer {
    let message = json!({ "from": "15881234", "to": "+821012345678", "text": "hello" });
    gateway.caller("shop-key").post("/v1/messages", &message)
}

/// Submits until it is refused; how many were taken.
#[track_caller]
fn refused_in_the_end(gateway: &Gateway) -> u64 {
    let mut taken = 0;
    until("submissions are refused", || {
        let answer = submit(gateway);
        assert!(matches!(answer.status, 202 | 503), "{}: {}", answer.status, answer.body);
        taken += u64::from(answer.status == 202);
        (answer.status == 503).then_some(())
    });
    taken
}

/// Lives, says why it takes nothing, takes again without a restart, and has lost and doubled nothing.
#[track_caller]
fn recovers(home: &Home, gateway: Gateway, mut taken: u64, condition: &str, free: impl FnOnce()) {
    until("it is not ready", || {
        let page = gateway.management("/readyz");
        (page.status == 503 && page.body.contains(condition)).then_some(())
    });
    assert_eq!(gateway.management("/livez").status, 200, "a store without room is no reason to be killed");
    assert_eq!(gateway.metric("gateway_ready"), 0.0);

    free();
    until("it is ready again", || (gateway.management("/readyz").status == 200).then_some(()));
    let id = until("submissions are taken again", || {
        let answer = submit(&gateway);
        (answer.status == 202).then(|| answer.id())
    });
    taken += 1;
    gateway.becomes("shop-key", &id, "delivered");
    until("the backlog is gone", || (gateway.metric("gateway_messages_open") == 0.0).then_some(()));
    gateway.stopped();
    let proof = home.verified();
    // An answer that came too late may have been taken all the same; an answer that came was.
    assert!(proof["accepted"].as_u64() >= Some(taken), "{proof}: {taken} were answered");
    assert_eq!(proof["accepted"], proof["usage_rows"], "{proof}");
}

/// No file of the process may grow beyond this from now on.
fn limit_files(pid: u32, octets: &str) {
    let limited =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={octets}:")]).status();
    assert!(limited.expect("util-linux has prlimit").success(), "no limit could be set");
}

#[test]
fn a_store_that_fails_to_write_stops_answers_until_it_writes_again() {
    let smsc = Smsc::start(0, |_| Script::Deliver);
    // Callers are answered in time, whatever the store does.
    let home = Home::new(&(carrier(smsc.port) + "\n[http]\nrequest_timeout = \"2s\"\n"));
    let gateway = Gateway::start(&home);
    submit(&gateway).is(202);
    limit_files(gateway.pid(), "4096");
    let taken = 1 + refused_in_the_end(&gateway);
    let pid = gateway.pid();
    recovers(&home, gateway, taken, "journal", || limit_files(pid, "unlimited"));
}

/// A small file system of its own; needs root, as in CI.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self(at))
    }

    fn resize(&self, size: &str) {
        let mount = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.0)
            .output()
            .expect("mount runs");
        assert!(mount.status.success(), "{}", String::from_utf8_lossy(&mount.stderr));
    }

    fn used_kib(&self) -> u64 {
        let files = fs::read_dir(self.0).expect("it is a folder");
        // tmpfs gives whole pages.
        files
            .map(|file| {
                file.and_then(|file| file.metadata()).map_or(0, |data| data.len().div_ceil(4_096) * 4)
            })
            .sum()
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let smsc = Smsc::start(0, |_| Script::Deliver);
    let home = Home::new("");
    let Some(disk) = Small::mount(home.path(), "512m") else {
        println!("skipped: only root can mount a small disk; the limit on file sizes stands for it");
        return;
    };
    home.write(&(carrier(smsc.port) + "\n[http]\nrequest_timeout = \"2s\"\n"));
    let gateway = Gateway::start(&home);
    submit(&gateway).is(202);
    disk.resize(&format!("{}k", disk.used_kib() + 16));
    let taken = 1 + refused_in_the_end(&gateway);
    recovers(&home, gateway, taken, "space", || disk.resize("512m"));
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing_new_and_ends_what_is_open() {
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    // The SMSC answers when it is let go.
    let smsc = Smsc::start(0, move |_| {
        held.lock().map(|held| held.recv()).ok();
        Script::Deliver
    });
    let home = Home::new("");
    let Some(disk) = Small::mount(home.path(), "512m") else {
        println!("skipped: only root can mount a small disk");
        return;
    };
    home.write(&carrier(smsc.port));
    let gateway = Gateway::start(&home);
    let open = submit(&gateway).is(202).id();
    disk.resize("100m");
    until("it says why it is not ready", || {
        gateway.management("/readyz").body.contains("MiB are free").then_some(())
    });
    assert_eq!(submit(&gateway).status, 503, "taken without room to keep it");
    let_go.send(()).unwrap();
    gateway.becomes("shop-key", &open, "delivered");
    gateway.stopped();

    let again = Gateway::start_unready(&home);
    until("it says so after a start as well", || {
        again.management("/readyz").body.contains("MiB are free").then_some(())
    });
    disk.resize("512m");
    until("it is ready", || (again.management("/readyz").status == 200).then_some(()));
    submit(&again).is(202);
}
