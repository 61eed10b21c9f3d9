//! A PostgreSQL cluster of one's own, for tests: on a socket in a temporary folder, gone at the end.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// Where distributions put the server programs, newest first.
const PLACES: [&str; 9] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/lib/postgresql/14/bin",
    "/usr/pgsql-17/bin",
    "/usr/pgsql-16/bin",
    "/opt/homebrew/opt/postgresql@17/bin",
    "/usr/local/pgsql/bin",
];

/// See the module. Shut down when dropped.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    /// The server refuses to run as root.
    user: Option<(u32, u32)>,
    databases: AtomicU32,
}

impl Cluster {
    /// # Errors
    /// When PostgreSQL is not installed or does not start; the text says what to do.
    pub fn start() -> io::Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("gateway-pg-").tempdir()?;
        let user = user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
        let cluster = Self { programs, folder, user, databases: AtomicU32::new(0) };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["--pgdata", &data, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"],
        )?;
        // A socket and no port; nothing here has to survive a crash of the machine.
        let socket = cluster.folder.path().display().to_string();
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync=off");
        let log = format!("{socket}/log");
        cluster.run("pg_ctl", &["start", "-w", "-t", "60", "-D", &data, "-l", &log, "-o", &options])?;
        Ok(cluster)
    }

    /// A new, empty database and its address.
    ///
    /// # Errors
    /// When the server does not create it.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("gateway_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let socket = self.folder.path().display().to_string();
        self.run("createdb", &["--host", &socket, "--username", "postgres", &name])?;
        Ok(format!("postgres://postgres@localhost/{name}?host={socket}"))
    }

    /// Restarts the server as after a crash: every connection is lost.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn crash(&self) -> io::Result<()> {
        self.run("pg_ctl", &["restart", "-w", "-t", "60", "-m", "immediate", "-D", &self.data()])
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<()> {
        let log = self.folder.path().join(format!("{program}.log"));
        let output = fs::File::create(&log)?;
        let mut command = Command::new(self.programs.join(program));
        // A file, not a pipe: the server inherits it and would keep a pipe open.
        command.args(arguments).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        if command.status()?.success() {
            return Ok(());
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(io::Error::other(format!("{program} failed: {said}")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &self.data()]) {
            tracing::warn!(%error, "a PostgreSQL cluster was left running");
        }
    }
}

fn programs() -> io::Result<PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let searched = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let places =
        named.into_iter().chain(PLACES.iter().map(PathBuf::from)).chain(searched.into_iter().flatten());
    places
        .into_iter()
        .find(|place| ["initdb", "pg_ctl", "createdb"].iter().all(|program| place.join(program).exists()))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "PostgreSQL is not here: apt-get install postgresql, or set PG_BIN to the folder of initdb",
            )
        })
}

/// Root hands the server to the user `postgres`.
fn user() -> io::Result<Option<(u32, u32)>> {
    if Path::new("/proc/self").metadata().map_or(1, |own| own.uid()) != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let postgres = users.lines().find(|line| line.starts_with("postgres:")).and_then(|line| {
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    match postgres {
        Some(ids) => Ok(Some(ids)),
        None => Err(io::Error::other("there is no user postgres: apt-get install postgresql")),
    }
}
