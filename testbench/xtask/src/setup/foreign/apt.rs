//! apt with a state of its own: it knows no installed package and other suites, and leaves the system's apt as it is.
//!
//! Mirror, keys, proxies and passwords are those that this machine's apt has. Nothing here needs root.

use super::super::deb;
use crate::run;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Suites of Debian itself by name; those of its derivatives, and its security archive, are called otherwise.
const DEBIAN: &[&str] = &[
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
    "bookworm-updates",
    "trixie-updates",
];

/// Where Debian keeps the keys of its archive.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt that looks at some suites and at an empty system.
pub(super) struct Apt {
    home: PathBuf,
    suites: &'static [&'static str],
}

impl Apt {
    /// Makes its folders in `home`, and fetches the lists.
    pub(super) fn new(home: &Path, suites: &'static [&'static str], else_advice: &str) -> Result<Apt> {
        let apt = Apt { home: home.to_path_buf(), suites };
        let mirror = mirror().with_context(|| format!("packages of Debian are needed{else_advice}"))?;
        let put = || -> std::io::Result<()> {
            for dir in ["state/lists/partial", "cache/archives/partial", "log", "none"] {
                fs::create_dir_all(home.join(dir))?;
            }
            fs::write(home.join("state/status"), "")?;
            fs::write(home.join("sources.list"), sources(&mirror, suites, Path::new(KEYRING).is_file()))?;
            fs::write(home.join("apt.conf"), configuration(home))
        };
        put().with_context(|| format!("failed to write into {}", home.display()))?;
        let lists = run::output(apt.command("apt-get").arg("update"));
        lists.with_context(|| format!("apt cannot fetch the lists of {}", suites.join(" and ")))?;
        Ok(apt)
    }

    /// Downloads a package and everything that a system without any package needs for it.
    pub(super) fn with_all_it_needs(&self, package: &str) -> Result<Vec<PathBuf>> {
        let preferred = self.suites.last().context("no suite is named")?;
        let mut get = self.command("apt-get");
        get.args(["install", "--yes", "--download-only", "--no-install-recommends", "--target-release", preferred]);
        run::output(get.arg(package)).with_context(|| format!("apt cannot download {package}"))?;
        deb::in_folder(&self.home.join("cache/archives"))
    }

    /// Downloads the one package that an empty one stands for: of `linux-image-cloud-amd64` the image itself.
    pub(super) fn first_it_needs(&self, package: &str) -> Result<PathBuf> {
        let mut ask = self.command("apt-cache");
        let told = run::output(ask.args(["depends", "--important", package]))?;
        let name =
            first_dependency(&told).with_context(|| format!("{package} of {} is empty", self.suites.join(" ")))?;
        let into = self.home.join("cache");
        run::output(self.command("apt-get").args(["download", name]).current_dir(&into))
            .with_context(|| format!("apt cannot download {name}"))?;
        match deb::in_folder(&into)?.as_slice() {
            [deb] => Ok(deb.clone()),
            debs => bail!("apt downloaded {} packages for {name}", debs.len()),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-q").arg("-c").arg(self.home.join("apt.conf")).env("LC_ALL", "C");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// The mirror of Debian that this machine uses.
fn mirror() -> Result<String> {
    let mut ask = Command::new("apt-get");
    ask.args(["indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]);
    let told = run::output(ask.env("LC_ALL", "C"))?;
    let site = debian_site(&told).context("apt of this machine names no mirror of Debian")?;
    Ok(site.to_owned())
}

/// The first site with the main component of a suite of Debian.
fn debian_site(targets: &str) -> Option<&str> {
    targets.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (release, component, site) = (words.next()?, words.next()?, words.next()?);
        (DEBIAN.contains(&release) && component == "main").then_some(site)
    })
}

fn sources(mirror: &str, suites: &[&str], keyring: bool) -> String {
    // Without that file apt has to find the key among those it trusts anyway.
    let key = if keyring { format!(" signed-by={KEYRING}") } else { String::new() };
    suites.iter().map(|suite| format!("deb [arch=amd64{key}] {mirror} {suite} main\n")).collect()
}

/// Read after the system's own files: what is not said here holds as there.
fn configuration(home: &Path) -> String {
    let mut text = String::new();
    for (name, place) in [
        ("Dir::State", "state"),
        ("Dir::State::status", "state/status"),
        ("Dir::Cache", "cache"),
        ("Dir::Log", "log"),
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "none"),
        ("Dir::Etc::preferences", "none/preferences"),
        ("Dir::Etc::preferencesparts", "none"),
    ] {
        text += &format!("{name} \"{}\";\n", home.join(place).display());
    }
    text + "APT::Architecture \"amd64\";\n\
            #clear APT::Architectures;\n\
            APT::Architectures { \"amd64\"; };\n\
            // The cache of root is closed to the user that apt downloads as.\n\
            APT::Sandbox::User \"root\";\n\
            Acquire::Languages \"none\";\n\
            Acquire::Retries \"3\";\n\
            // Lists that cannot be had are an error, not a warning.\n\
            APT::Update::Error-Mode \"any\";\n\
            Debug::NoLocking \"true\";\n\
            // What the system does after an update concerns the system's lists.\n\
            #clear APT::Update::Pre-Invoke;\n\
            #clear APT::Update::Post-Invoke;\n\
            #clear APT::Update::Post-Invoke-Success;\n"
}

/// The package in the first line of `apt-cache depends` that names one.
fn first_dependency(told: &str) -> Option<&str> {
    told.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).filter(|name| !name.starts_with('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        let targets = "bookworm-security main http://a/debian-security/\nnodistro main https://b/node/\n\
                       bookworm contrib http://c/debian/\nbookworm main http://d/mirror\n";
        assert_eq!(debian_site(targets), Some("http://d/mirror"));
        assert_eq!(debian_site("noble main http://a/ubuntu/\n"), None);
        assert_eq!(debian_site(""), None);
    }

    #[test]
    fn each_suite_is_a_line_with_the_key_where_there_is_one() {
        let text = sources("http://m/debian/", &["trixie", "trixie-backports"], true);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], format!("deb [arch=amd64 signed-by={KEYRING}] http://m/debian/ trixie-backports main"));
        assert_eq!(sources("m", &["sid"], false), "deb [arch=amd64] m sid main\n");
    }

    #[test]
    fn a_package_that_stands_for_another_names_it_first() {
        let told = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-50-cloud-amd64\n";
        assert_eq!(first_dependency(told), Some("linux-image-6.1.0-50-cloud-amd64"));
        assert_eq!(first_dependency("nothing\n"), None);
        assert_eq!(first_dependency("it\n  Depends: <virtual>\n"), None);
    }

    #[test]
    fn every_place_of_the_private_apt_is_inside_its_folder() {
        let text = configuration(Path::new("/cache/x"));
        let places: Vec<_> = text.lines().filter(|line| line.starts_with("Dir::")).collect();
        assert!(places.len() >= 8 && places.iter().all(|line| line.contains("\"/cache/x/")), "{text}");
    }
}
