//! An IMS core of two programs: an S-CSCF, which is Kamailio with the configuration that operators get as an example,
//! and an HSS, which is a script.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use tempfile::TempDir;

use crate::{kamailio::Kamailio, program::Program};

/// What a third-party REGISTER carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationBody {
    /// `message/sip`: the REGISTER of the phone.
    Register,
    /// `application/3gpp-ims+xml`: what the HSS says of the subscriber.
    ServiceInfo,
}

pub(crate) struct Ims {
    _scscf: Kamailio,
    hss: Program,
    _home: TempDir,
}

impl Ims {
    /// An S-CSCF at `address`, for which `application_server` (the gateway) serves these users: their registrations,
    /// and their MESSAGEs and INVITEs, sent and received. Their password is `secret`.
    #[track_caller]
    pub(crate) fn start(
        address: SocketAddr,
        application_server: SocketAddr,
        body: RegistrationBody,
        users: &[&str],
    ) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let mut command = Command::new("python3");
        command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip/hss.py"));
        command.args(["--application-server", &format!("sip:{application_server}")]);
        command.args(["--scscf", &format!("sip:{address}")]);
        if body == RegistrationBody::ServiceInfo {
            command.arg("--service-info");
        }
        command.args(users);
        let mut hss = Program::start("python3", home.path(), &command);
        let port = hss.wait_for("its port", |line| {
            line.strip_prefix("{\"event\": \"ready\", \"port\": ")?.strip_suffix('}').map(str::to_owned)
        });
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples/kamailio");
        let diameter = fs::read_to_string(examples.join("scscf.xml")).expect("the example is there");
        assert!(diameter.contains("port=\"3868\""), "the example names the port of Diameter");
        let file = home.path().join("scscf.xml");
        fs::write(&file, diameter.replace("port=\"3868\"", &format!("port=\"{port}\"")))
            .expect("the folder takes a file");
        let quoted = |value: String| format!("\"{value}\"");
        let definitions = [
            ("SCSCF_URI", quoted(format!("sip:{address}"))),
            ("SCSCF_HOST", quoted(address.to_string())),
            ("GATEWAY_HOST", quoted(application_server.to_string())),
            ("DIAMETER", quoted(file.display().to_string())),
        ];
        let definitions: Vec<_> = definitions.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let scscf = Kamailio::start_with(&examples.join("scscf.cfg"), address, &definitions);
        hss.wait_for("the S-CSCF", |line| line.contains("\"command\": 257").then_some(()));
        Self { _scscf: scscf, hss, _home: home }
    }

    /// Waits until the HSS is asked this command for a user, and says how it answered.
    #[track_caller]
    pub(crate) fn hss_answers(&mut self, command: u32, user: &str) -> String {
        let begin = format!("\"command\": {command}, \"user\": \"{user}\"");
        self.hss.wait_for(&begin, |line| line.contains(&begin).then(|| line.to_owned()))
    }
}
