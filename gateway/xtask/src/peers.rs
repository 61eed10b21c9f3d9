//! Installs the foreign software that the tests talk to. Quick when it is all there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, tree};

/// A Debian package, and a program of it that shows that it is there.
struct Package {
    name: &'static str,
    program: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "kannel", program: "/usr/sbin/bearerbox" },
    Package { name: "redis-server", program: "/usr/bin/redis-server" },
    Package { name: "rabbitmq-server", program: "/usr/lib/rabbitmq/bin/rabbitmq-server" },
    Package { name: "postgresql", program: "/usr/lib/postgresql/*/bin/initdb" },
    Package { name: "prometheus", program: "/usr/bin/promtool" },
    Package { name: "sip-tester", program: "/usr/bin/sipp" },
    Package { name: "linphone-cli", program: "/usr/bin/linphonec" },
    Package { name: "baresip-core", program: "/usr/bin/baresip" },
    Package { name: "kamailio", program: "/usr/sbin/kamailio" },
    Package { name: "kamailio-ims-modules", program: "/usr/lib/*/kamailio/modules/ims_isc.so" },
    Package { name: "kamailio-presence-modules", program: "/usr/lib/*/kamailio/modules/presence.so" },
    Package { name: "kamailio-tls-modules", program: "/usr/lib/*/kamailio/modules/tls.so" },
    Package { name: "sipsak", program: "/usr/bin/sipsak" },
    Package { name: "tshark", program: "/usr/bin/tshark" },
];

pub(crate) fn run(_words: &[String]) -> Result<()> {
    debian()?;
    python()?;
    node()?;
    rust()
}

/// Whether a program is at its path, where `*` is any version, or by its name anywhere on the search path.
fn is_there(program: &str) -> bool {
    if let Some((folder, rest)) = program.split_once("/*/") {
        let versions = fs::read_dir(folder).into_iter().flatten().flatten();
        return versions.map(|version| version.path().join(rest)).any(|path| path.exists());
    }
    let path = Path::new(program);
    path.exists() || path.file_name().is_some_and(|name| on_search_path(&name.to_string_lossy()))
}

fn on_search_path(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(name).is_file()))
}

fn debian() -> Result<()> {
    let mut missing: Vec<&str> =
        PACKAGES.iter().filter(|package| !is_there(package.program)).map(|package| package.name).collect();
    if !on_search_path("python3") {
        missing.push("python3");
    }
    if !shell::answers("python3", &["-c", "import ensurepip, venv"]) {
        missing.push("python3-venv");
    }
    if !on_search_path("node") || !on_search_path("npm") {
        missing.extend(["nodejs", "npm"]);
    }
    if missing.is_empty() {
        println!("   Debian packages: all there");
        return Ok(());
    }
    shell::step(&format!("installing {}", missing.join(", ")));
    if !on_search_path("apt-get") {
        bail!("{} must be installed, and there is no apt-get to do it", missing.join(", "));
    }
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {}", missing.join(" "));
    let install = || -> Result<()> {
        apt(&["update", "-q"])?;
        let words = ["install", "-q", "-y", "--no-install-recommends"];
        apt(&words.iter().copied().chain(missing.iter().copied()).collect::<Vec<_>>())
    };
    install().with_context(|| format!("cannot install {}; try by hand: {by_hand}", missing.join(", ")))
}

/// As root, or with sudo. The tests start servers of their own, so none that comes with a package is started.
fn apt(words: &[&str]) -> Result<()> {
    // For invoke-rc.d, run level 1 means that nothing is started.
    let settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
    let is_root = shell::quietly(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if is_root { Command::new("env") } else { Command::new("sudo") };
    if !is_root {
        command.args(["--non-interactive", "env"]);
    }
    shell::quietly(command.args(settings).arg("apt-get").args(words)).map(drop)
}

fn lists() -> PathBuf {
    tree::root().join("gateway/app/tests/peers")
}

/// Whether what `list` names was installed into `folder`; the mark is a copy of the list.
fn is_marked(folder: &Path, list: &Path) -> Result<bool> {
    let wanted = fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(fs::read(folder.join("installed")).is_ok_and(|installed| installed == wanted))
}

fn mark(folder: &Path, list: &Path) -> Result<()> {
    fs::copy(list, folder.join("installed"))
        .with_context(|| format!("cannot mark {}", folder.display()))
        .map(drop)
}

fn python() -> Result<()> {
    let (folder, list) = (tree::peers().join("venv"), lists().join("requirements.txt"));
    let python = folder.join("bin/python");
    // The interpreter that a virtual environment points to may be gone.
    if is_marked(&folder, &list)?
        && shell::answers(&python.to_string_lossy(), &["-c", "import smpplib, jasmin"])
    {
        println!("   Python packages: all there");
        return Ok(());
    }
    shell::step("installing Python packages");
    let install = || -> Result<()> {
        shell::quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        shell::quietly(Command::new(&python).args(words).arg(&list))?;
        mark(&folder, &list)
    };
    install().with_context(|| {
        let (python, list) = (python.display(), list.display());
        format!(
            "cannot install the Python packages; try by hand: {python} -m pip install --requirement {list}"
        )
    })
}

fn node() -> Result<()> {
    let (folder, list) = (tree::peers().join("node"), lists().join("package.json"));
    if is_marked(&folder, &list)? && folder.join("node_modules/smpp").is_dir() {
        println!("   npm packages: all there");
        return Ok(());
    }
    shell::step("installing npm packages");
    let install = || -> Result<()> {
        fs::create_dir_all(&folder)?;
        fs::copy(&list, folder.join("package.json"))?;
        let words =
            ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefix"];
        shell::quietly(Command::new("npm").args(words).arg(&folder))?;
        mark(&folder, &list)
    };
    install().with_context(|| {
        let folder = folder.display();
        format!("cannot install the npm packages; try by hand: npm install --prefix {folder}")
    })
}

/// A crate that stays out of our workspace: it brings a TLS provider that must not ship.
fn rust() -> Result<()> {
    let manifest = lists().join("smpp34/Cargo.toml");
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(&manifest);
    build.arg("--target-dir").arg(tree::peers().join("smpp34"));
    shell::quietly(&mut build).context("cannot build the smpp34 peer")?;
    println!("   smpp34: built");
    Ok(())
}
