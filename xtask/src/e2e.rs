//! Runs `dapple` against clients and programs that others wrote.
//!
//! Each test is a script in `xtask/e2e` with a server of its own on 127.0.0.1. It prints `ok …` and `FAIL …`
//! lines, and is good when its exit code is 0. This side builds the server, knows what each test needs
//! installed, gives it folders and a time limit, and counts.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::script::{self, Running, on_path, target};

/// How many lines of a failed test are shown when it says nothing of its own.
const TAIL_LINES: usize = 15;

/// Run the server against real clients.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the tests whose name contains this; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the tests, what they show and what they need
    #[arg(long)]
    list: bool,
    /// Keep the folders of the tests: data, logs, output
    #[arg(long)]
    keep: bool,
    /// Test this binary instead of building a release
    #[arg(long, value_name = "BIN")]
    server: Option<PathBuf>,
}

/// What the tests run, chosen in one go so that what both depend on is built once. `.ci/run` says the same.
const SERVER_AND_EXAMPLES: &[&str] =
    &["--package=dapple", "--package=daap", "--package=daap-client", "--bins", "--examples"];

/// A script and what it takes.
struct Test {
    name: &'static str,
    shows: &'static str,
    /// The script in `xtask/e2e` and its arguments.
    script: &'static [&'static str],
    needs: &'static [Need],
    limit_s: u64,
}

/// Something that a test finds on the machine or not.
#[derive(Clone, Copy)]
enum Need {
    Program(&'static str),
    PerlModule(&'static str),
    /// By its name for pkg-config.
    Library(&'static str),
    /// pip of the Python that runs the tests, and the network it fetches from.
    Pip,
    /// To make network namespaces.
    Root,
}

use Need::{Library, PerlModule, Pip, Program, Root};

const PYTHON: Need = Program("python3");
const FFMPEG: Need = Program("ffmpeg");

const TESTS: &[Test] = &[
    Test {
        name: "ranges",
        shows: "curl and raw sockets seek: every form of range and of request target",
        script: &["ranges.py"],
        needs: &[PYTHON, FFMPEG, Program("curl")],
        limit_s: 60,
    },
    Test {
        name: "libdmapsharing",
        shows: "libdmapsharing 3.0, the client of Rhythmbox and grilo",
        script: &["libdmapsharing.py"],
        needs: LIBDMAPSHARING,
        limit_s: 90,
    },
    Test {
        name: "libdmapsharing-password",
        shows: "the same with a password",
        script: &["libdmapsharing.py", "password"],
        needs: LIBDMAPSHARING,
        limit_s: 90,
    },
    Test {
        name: "decode",
        shows: "every reply through Perl's Net::DAAP::DMAP",
        script: &["decode.py"],
        needs: &[
            PYTHON,
            FFMPEG,
            Program("perl"),
            PerlModule("Net::DAAP::DMAP"),
            PerlModule("LWP::UserAgent"),
        ],
        limit_s: 60,
    },
    Test {
        name: "probe",
        shows: "every endpoint as iTunes walks it, and every tag of 1,000 songs",
        script: &["probe.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-password",
        shows: "the same with a password",
        script: &["probe.py", "password"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-hostile",
        shows: "the same among broken, absurd and mislabelled files",
        script: &["probe.py", "hostile"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-large",
        shows: "the same with 100,000 songs",
        script: &["probe.py", "large"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 600,
    },
    Test {
        name: "libdmapsharing-large",
        shows: "libdmapsharing lists 20,000 songs, and plays some",
        script: &["libdmapsharing.py", "large"],
        needs: LIBDMAPSHARING,
        limit_s: 300,
    },
    Test {
        name: "live",
        shows: "a hanging client is woken within 2 s of a change, and its delta lists just that",
        script: &["live.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "away",
        shows: "a music folder that vanishes costs no song: all stay listed and come back as they were",
        script: &["away.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "kill",
        shows: "kill -9 while 10,000 songs are scanned: nothing lost, same ids, scan resumed",
        script: &["kill.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 300,
    },
    Test {
        name: "real-audio",
        shows: "tagged audio made by others, compared with ffprobe",
        script: &["real_audio.py"],
        needs: &[PYTHON, Program("ffprobe"), Pip],
        limit_s: 300,
    },
    Test {
        name: "faults",
        shows: "what keeps a server from starting: exit code 2 and what to do",
        script: &["faults.py"],
        needs: &[PYTHON, FFMPEG, Program("setpriv")],
        limit_s: 120,
    },
    Test {
        name: "edit",
        shows: "playlists that clients make: who may, what each change does, kept over a restart and rescans",
        script: &["edit.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "transcode",
        shows: "WAV for clients that need it: as listed, from any byte, 64 at once beside a plain stream",
        script: &["transcode.py"],
        needs: &[PYTHON, FFMPEG, Program("ffprobe"), Program("curl")],
        limit_s: 120,
    },
    Test {
        name: "get",
        shows: "1,000 songs downloaded and interrupted twice: every byte, none twice; a full disk, a lost server",
        script: &["get.py"],
        needs: &[PYTHON, FFMPEG, Program("unshare")],
        limit_s: 180,
    },
    Test {
        name: "listing",
        shows: "`dapple ls` lists a dapple share: every form of URL, filters, lists, orders and outputs",
        script: &["listing.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 240,
    },
    Test {
        name: "players",
        shows: "mpv and ffprobe play what `dapple ls --m3u` prints, with a password and without",
        script: &["players.py"],
        needs: &[PYTHON, FFMPEG, Program("ffprobe"), Program("mpv")],
        limit_s: 120,
    },
    Test {
        name: "hostile-servers",
        shows: "`dapple ls` and `get` with servers that stall, lie, break off and never end",
        script: &["hostile_servers.py"],
        needs: &[PYTHON],
        limit_s: 240,
    },
    Test {
        name: "foreign-libdmapsharing",
        shows: "the client with libdmapsharing's server: lists, finds and fetches all",
        script: &["foreign.py", "libdmapsharing"],
        needs: LIBDMAPSHARING,
        limit_s: 240,
    },
    Test {
        name: "foreign-flask-daapserver",
        shows: "the same with flask-daapserver, which has revisions",
        script: &["foreign.py", "flask-daapserver"],
        needs: &[PYTHON, FFMPEG, Pip, Program("cc"), Program("curl")],
        limit_s: 480,
    },
    Test {
        name: "foreign-spydaap",
        shows: "the same with spydaap, which scans a folder",
        script: &["foreign.py", "spydaap"],
        needs: &[PYTHON, FFMPEG, Pip, Program("curl")],
        limit_s: 300,
    },
    Test {
        name: "foreign-canary",
        shows: "the same with canary, which runs on Node.js",
        script: &["foreign.py", "canary"],
        needs: &[PYTHON, FFMPEG, Program("npm"), Program("curl")],
        limit_s: 480,
    },
    Test {
        name: "watch",
        shows: "what changes on a share is printed as it happens, and after a restart of the server what changed meanwhile",
        script: &["watch.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 90,
    },
    Test {
        name: "handler",
        shows: "the desktop's own tools open daap:// links with dapple, once it says so and until it takes it back",
        script: &["handler.py"],
        needs: &[
            PYTHON,
            FFMPEG,
            Program("desktop-file-validate"),
            Program("update-desktop-database"),
            Program("xdg-mime"),
        ],
        limit_s: 60,
    },
    Test {
        name: "outside",
        shows: "a crate outside of the workspace shares its songs with libdmapsharing and the probe",
        script: &["outside.py"],
        needs: LIBDMAPSHARING,
        limit_s: 1200,
    },
    Test {
        name: "examples",
        shows: "the examples of the crate daap do what they say",
        script: &["examples.py", "tones", "revisions", "remote", "tutorial", "bench"],
        needs: &[PYTHON],
        limit_s: 1200,
    },
    Test {
        name: "waiting",
        shows: "2,000 clients that wait hear of a commit within a second, and miss none of 200",
        script: &["examples.py", "waiting"],
        needs: &[PYTHON],
        limit_s: 900,
    },
    Test {
        name: "mirror",
        shows: "a mirror of 100,000 songs that change for a minute is equal after cut lines and a restart",
        script: &["mirror.py"],
        needs: &[PYTHON],
        limit_s: 240,
    },
    Test {
        name: "share",
        shows: "a share is republished: songs, ranges, pictures, ratings; kept songs play on while it is down",
        script: &["share.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 180,
    },
    Test {
        name: "mdns",
        shows: "two hosts in network namespaces: avahi sees the share, its rename and its goodbye; ls finds it by name",
        script: &["mdns.sh"],
        needs: &[
            Root,
            Program("ip"),
            Program("tcpdump"),
            Program("avahi-daemon"),
            Program("avahi-browse"),
            Program("dbus-daemon"),
        ],
        limit_s: 480,
    },
    Test {
        name: "discover",
        shows: "two hosts in network namespaces: discover finds every kind of service that avahi announces",
        script: &["discover.sh"],
        needs: &[PYTHON, Root, Program("ip"), Program("avahi-daemon"), Program("dbus-daemon")],
        limit_s: 240,
    },
    Test {
        name: "remote",
        shows: "`dapple remote` is paired with dapple and with pyatv's fake Apple TV, and controls them",
        script: &["remote.py"],
        needs: &[PYTHON, Pip],
        limit_s: 240,
    },
    Test {
        name: "pyatv",
        shows: "pyatv as a Remote on another host: pairs, finds, follows and controls what the file: output is given",
        script: &["pyatv.sh"],
        needs: &[PYTHON, FFMPEG, Pip, Root, Program("ip")],
        limit_s: 240,
    },
    Test {
        name: "sound",
        shows: "what the file: output gets: lossless albums bit for bit, joins of mp3 and AAC to the sample, true positions",
        script: &["sound.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "local",
        shows: "`dapple play` on a PulseAudio server: what its sound card gets, and what is said when it goes",
        script: &["local.py"],
        needs: &[PYTHON, FFMPEG, Program("pulseaudio"), Program("parec")],
        limit_s: 90,
    },
    Test {
        name: "doctor",
        shows: "the doctor on a host in a network namespace: well, firewalled, port taken, name taken, off the network",
        script: &["doctor.sh"],
        needs: &[
            PYTHON,
            Root,
            Program("ip"),
            Program("nft"),
            Program("avahi-daemon"),
            Program("avahi-browse"),
            Program("dbus-daemon"),
            Program("setpriv"),
        ],
        limit_s: 300,
    },
];

/// The tests that measure no time: they run beside the others, each line in turn. One line mostly waits for
/// multicast, one for downloads and foreign servers.
const ASIDE: &[&[&str]] = &[
    &["mdns", "discover", "doctor", "pyatv"],
    &[
        "real-audio",
        "foreign-libdmapsharing",
        "foreign-flask-daapserver",
        "foreign-spydaap",
        "foreign-canary",
        "outside",
        "hostile-servers",
        "remote",
    ],
];

const LIBDMAPSHARING: &[Need] = &[
    PYTHON,
    FFMPEG,
    Program("cc"),
    Program("pkg-config"),
    Library("libdmapsharing-3.0"),
    Library("libsoup-2.4"),
];

impl Need {
    /// What to do about it, or `None` if it is there.
    fn missing(self) -> Option<String> {
        let says_yes = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        match self {
            Program(name) => (!on_path(name)).then(|| format!("needs the program {name}")),
            PerlModule(name) => (!says_yes("perl", &[&format!("-M{name}"), "-e", "1"]))
                .then(|| format!("needs the Perl module {name}")),
            Library(name) => (!says_yes("pkg-config", &["--exists", name]))
                .then(|| format!("needs the library {name} and its headers")),
            Pip => (!says_yes("python3", &["-m", "pip", "--version"]))
                .then(|| "needs pip for python3".to_owned()),
            Root => (!is_root()).then(|| "needs root, to make network namespaces".to_owned()),
        }
    }
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// How a test went.
enum Outcome {
    Ok { checks: usize },
    Fail { why: String },
    Skip { why: String },
}

/// Runs the tests that `args` choose.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let chosen = |test: &&Test| {
        args.only.is_empty() || args.only.iter().any(|only| test.name.contains(only.as_str()))
    };
    let tests: Vec<&Test> = TESTS.iter().filter(chosen).collect();
    if args.list {
        list(&tests)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tests.is_empty() {
        bail!("no test is called {:?}; --list lists them", args.only.join(", "));
    }
    let server = match &args.server {
        Some(server) => fs::canonicalize(server)
            .with_context(|| format!("no server at {}", server.display()))?,
        None => script::build(root, SERVER_AND_EXAMPLES, "release")?.join("dapple"),
    };
    let folder = tempfile::Builder::new().prefix("dapple-e2e-").tempdir()?;
    // A test may run a server as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let runner = Runner {
        scripts: root.join("xtask/e2e"),
        cache: target(root).join("e2e"),
        work: folder.path().to_path_buf(),
        examples: args.server.is_none().then(|| server.with_file_name("examples")),
        server,
    };
    let (passed, failed) = runner.run_all(&tests)?;
    if args.keep {
        println!("kept in {}", folder.keep().display());
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In CI nothing is passed over.
fn all_must_run() -> bool {
    std::env::var_os("CI").is_some()
}

fn list(tests: &[&Test]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for test in tests {
        writeln!(out, "{:24} {}", test.name, test.shows)?;
        for missing in test.needs.iter().filter_map(|need| need.missing()) {
            writeln!(out, "{:24}   {missing}", "")?;
        }
    }
    writeln!(out, "xtask/e2e/setup.sh installs what they need (Debian 12, as root).")
}

/// Where things are, for all tests.
struct Runner {
    scripts: PathBuf,
    /// Lives from run to run: generated music, built clients, downloads.
    cache: PathBuf,
    work: PathBuf,
    server: PathBuf,
    /// The examples of `daap` and `daap-client`, if they have been built with the server.
    examples: Option<PathBuf>,
}

impl Runner {
    /// Runs them; returns how many passed and failed.
    fn run_all(&self, tests: &[&Test]) -> anyhow::Result<(usize, usize)> {
        let of_line = |names: &[&str]| -> Vec<&Test> {
            tests.iter().copied().filter(|test| names.contains(&test.name)).collect()
        };
        let aside = ASIDE.concat();
        let measuring = tests.iter().copied().filter(|test| !aside.contains(&test.name));
        let mut lines: Vec<Vec<&Test>> = ASIDE.iter().map(|names| of_line(names)).collect();
        lines.push(measuring.collect());
        std::thread::scope(|scope| {
            let running: Vec<_> =
                lines.iter().map(|line| scope.spawn(|| self.run_in_turn(line))).collect();
            running.into_iter().try_fold((0, 0), |(passed, failed), line| {
                let (more_passed, more_failed) =
                    line.join().expect("a bug in running the tests")?;
                Ok((passed + more_passed, failed + more_failed))
            })
        })
    }

    /// Runs them one after the other.
    fn run_in_turn(&self, tests: &[&Test]) -> anyhow::Result<(usize, usize)> {
        let all_must_run = all_must_run();
        let (mut passed, mut failed) = (0, 0);
        for test in tests {
            let began = Instant::now();
            let outcome = match test.needs.iter().find_map(|need| need.missing()) {
                Some(why) if all_must_run => Outcome::Fail { why },
                Some(why) => Outcome::Skip { why },
                None => self.run_one(test)?,
            };
            let (name, took) = (test.name, began.elapsed().as_secs_f32());
            match outcome {
                Outcome::Ok { checks } => {
                    passed += 1;
                    println!("ok {name} ({checks} checks, {took:.1} s)");
                }
                Outcome::Skip { why } => println!("skip {name} {why}; see xtask/e2e/setup.sh"),
                Outcome::Fail { why } => {
                    failed += 1;
                    println!("FAIL {name} ({took:.1} s)\n{}", indent(&why));
                }
            }
        }
        Ok((passed, failed))
    }

    fn run_one(&self, test: &Test) -> anyhow::Result<Outcome> {
        let work = self.work.join(test.name);
        fs::create_dir_all(&work)?;
        fs::create_dir_all(&self.cache)?;
        let output = work.join("output.txt");
        let ended = self.start(test, &work, &output)?.wait(Duration::from_secs(test.limit_s))?;
        let text = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
        let checks = text.lines().filter(|line| line.starts_with("ok ")).count();
        let skipped = text.lines().find(|line| line.starts_with("skip ") && all_must_run());
        let why = match ended {
            Some(true) if skipped.is_some() => skipped.unwrap_or_default().to_owned(),
            Some(true) if checks > 0 => return Ok(Outcome::Ok { checks }),
            Some(true) => "it checked nothing".to_owned(),
            Some(false) => complaints(&text),
            None => format!("not done after {} s\n{}", test.limit_s, complaints(&text)),
        };
        Ok(Outcome::Fail { why })
    }

    fn start(&self, test: &Test, work: &Path, output: &Path) -> anyhow::Result<Running> {
        let (script, arguments) = test.script.split_first().expect("every test names its script");
        let mut command = script::command(&self.scripts.join(script), work);
        command.args(arguments).env("DAPPLE", &self.server).env("E2E_CACHE", &self.cache);
        if let Some(examples) = &self.examples {
            command.env("E2E_EXAMPLES", examples);
        }
        Running::start(command, output)
    }
}

/// The lines of a failed test that say why: its FAIL lines, or else its last ones.
fn complaints(text: &str) -> String {
    let fails: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL ")).collect();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    let last = lines.last().filter(|_| !text.contains("Traceback"));
    if fails.is_empty() || last.is_none() { [&fails, tail].concat() } else { fails }.join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_exists_and_every_name_is_used_once() {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e");
        for test in TESTS {
            assert!(scripts.join(test.script[0]).is_file(), "{}", test.script[0]);
            assert_eq!(TESTS.iter().filter(|other| other.name == test.name).count(), 1);
        }
        let aside = ASIDE.concat();
        assert!(aside.iter().all(|name| TESTS.iter().any(|test| test.name == *name)));
    }

    #[test]
    fn a_failed_test_is_heard_by_its_fail_lines() {
        assert_eq!(complaints("ok a\nFAIL b c\nok d\n0 passed"), "FAIL b c");
        assert_eq!(complaints("Traceback\nValueError: x"), "Traceback\nValueError: x");
        assert_eq!(complaints(""), "");
    }

    #[test]
    fn a_missing_program_is_named() {
        let missing = Program("no-such-program-anywhere").missing();
        assert_eq!(missing.as_deref(), Some("needs the program no-such-program-anywhere"));
        assert!(Program("sh").missing().is_none());
    }
}
