//! What commands cost by the number of accounts and of posts.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

use crate::bed::Running;
use crate::measure::Measured;
use crate::run::Taken;
use crate::scratch;
use crate::sink::CERTIFICATE;
use crate::stats::Spread;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The program that is measured
    #[arg(long, default_value = "target/release/tiktok-up")]
    program: PathBuf,
    /// How often each command is run at each size
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only sizes up to this
    #[arg(long, default_value_t = 1_000_000)]
    most: usize,
    /// Only rows whose name contains this
    #[arg(long)]
    row: Option<String>,
    /// Where the plots are written as SVG
    #[arg(long)]
    plots: Option<PathBuf>,
}

/// A command, and the state in which it is run at a size.
struct Row {
    name: &'static str,
    state: State,
    sizes: &'static [usize],
    args: &'static [&'static str],
}

/// What is there before a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// So many logins.
    Accounts,
    /// So many logins whose tokens have ended.
    AccountsDue,
    /// The same, and TikTok answers for tokens only after [`FAR`].
    AccountsDueFar,
    /// A file of so many logins for `accounts import`.
    Foreign,
    /// So many posts of URLs, and a manifest of all of them.
    PostedUrls,
    /// The same of files.
    PostedFiles,
    /// A manifest of so many URLs whose time has not come.
    WaitingUrls,
    /// The same of files.
    WaitingFiles,
    /// So many posts of URLs, and a manifest of one of them.
    Journal,
}

/// Where a command runs.
struct Home<'a> {
    dir: &'a Path,
    api: &'a str,
}

/// How long TikTok takes to answer for tokens where it is far away.
const FAR: Duration = Duration::from_millis(100);

const THOUSANDS: &[usize] = &[100, 1_000, 10_000, 100_000];
const MILLION: &[usize] = &[1_000, 10_000, 100_000, 1_000_000];
const UPLOAD: &[&str] = &["--quiet", "upload", "manifest.json"];

const ROWS: &[Row] = &[
    Row {
        name: "refresh, nothing due",
        state: State::Accounts,
        sizes: THOUSANDS,
        args: &["--quiet", "refresh"],
    },
    Row { name: "accounts", state: State::Accounts, sizes: THOUSANDS, args: &["accounts"] },
    Row {
        name: "refresh, all due",
        state: State::AccountsDue,
        sizes: &[10, 100, 1_000],
        args: &["--quiet", "refresh"],
    },
    Row {
        name: "refresh, all due, far",
        state: State::AccountsDueFar,
        sizes: &[10, 100, 1_000],
        args: &["--quiet", "refresh"],
    },
    Row {
        name: "accounts import",
        state: State::Foreign,
        sizes: THOUSANDS,
        args: &["--quiet", "accounts", "import", "logins.json"],
    },
    Row { name: "upload of posted URLs", state: State::PostedUrls, sizes: THOUSANDS, args: UPLOAD },
    Row {
        name: "upload of posted files",
        state: State::PostedFiles,
        sizes: THOUSANDS,
        args: UPLOAD,
    },
    Row {
        name: "upload of waiting URLs",
        state: State::WaitingUrls,
        sizes: THOUSANDS,
        args: UPLOAD,
    },
    Row {
        name: "upload of waiting files",
        state: State::WaitingFiles,
        sizes: THOUSANDS,
        args: UPLOAD,
    },
    Row { name: "upload of one, journal", state: State::Journal, sizes: MILLION, args: UPLOAD },
    Row { name: "status, journal", state: State::Journal, sizes: MILLION, args: &["status"] },
    Row { name: "doctor, journal", state: State::Journal, sizes: MILLION, args: &["doctor"] },
];

impl State {
    /// Whether a run leaves the next one something else to do.
    fn changes(self) -> bool {
        matches!(self, Self::AccountsDue | Self::AccountsDueFar | Self::Foreign)
    }

    /// Whether it is measured as the program's own save leaves it.
    fn is_saved(self) -> bool {
        self == Self::Accounts
    }

    /// Which plot it is in: cost by posts, or by accounts.
    fn is_of_posts(self) -> bool {
        let of_accounts = [Self::Accounts, Self::AccountsDue, Self::AccountsDueFar, Self::Foreign];
        !of_accounts.contains(&self)
    }

    fn prepare(self, home: &Home<'_>, count: usize) -> anyhow::Result<()> {
        let urls = || (0..count).map(url).collect::<Vec<_>>();
        match self {
            Self::Accounts => scratch::accounts(&home.state(), home.api, count)?,
            Self::AccountsDue | Self::AccountsDueFar => {
                scratch::accounts_that_are_due(&home.state(), home.api, count)?;
            }
            Self::Foreign => scratch::foreign(&home.dir.join("logins.json"), count)?,
            Self::PostedUrls => home.posted(urls(), count)?,
            Self::PostedFiles => home.posted(home.files(count)?, count)?,
            Self::WaitingUrls => home.waiting(&urls())?,
            Self::WaitingFiles => home.waiting(&home.files(count)?)?,
            Self::Journal => home.posted(urls(), 1)?,
        }
        Ok(())
    }
}

fn url(n: usize) -> String {
    format!("https://media.example.com/videos/{n}.mp4")
}

impl Home<'_> {
    fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// So many short files, each with a content of its own.
    fn files(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let dir = self.dir.join("videos");
        fs::create_dir(&dir)?;
        let dir = dir.canonicalize()?;
        (0..count)
            .map(|n| {
                let path = dir.join(format!("{n}.mp4"));
                scratch::short_video(&path, n)?;
                path.into_os_string().into_string().ok().context("a path that is no text")
            })
            .collect()
    }

    /// An account that has published all of it, and a manifest of the first ones.
    fn posted(&self, sources: Vec<String>, in_manifest: usize) -> anyhow::Result<()> {
        scratch::accounts(&self.state(), self.api, 1)?;
        self.manifest(&sources[..in_manifest], None)?;
        tiktok_up::testing::fill_journal(&self.state(), &scratch::open_id(0), sources);
        Ok(())
    }

    /// An account whose posts are all to be made in a month, one a minute.
    fn waiting(&self, sources: &[String]) -> anyhow::Result<()> {
        scratch::accounts(&self.state(), self.api, 1)?;
        self.manifest(sources, Some(jiff::Timestamp::now() + SignedDuration::from_hours(30 * 24)))
    }

    fn manifest(&self, sources: &[String], from: Option<jiff::Timestamp>) -> anyhow::Result<()> {
        let entry = |(n, source): (u32, &String)| {
            let field = if source.contains("://") { "video_url" } else { "video_path" };
            let mut entry =
                json!({ "user_id": "bench0", field: source, "privacy_level": "SELF_ONLY" });
            if let Some(from) = from {
                let at = from + SignedDuration::from_secs(60) * i32::try_from(n).unwrap_or(0);
                entry["publish_at"] = at.to_string().into();
            }
            entry
        };
        let entries: Vec<_> = (0..).zip(sources).map(entry).collect();
        Ok(fs::write(self.dir.join("manifest.json"), serde_json::to_vec(&entries)?)?)
    }

    fn run(&self, program: &Path, args: &[&str], certificates: &Path) -> anyhow::Result<Taken> {
        Measured::new(program, self.dir)
            .args(args)
            .env("TIKTOK_UP_HOME", self.state())
            .env("TIKTOK_UP_API_URL", self.api)
            .env("TIKTOK_CLIENT_KEY", "bench")
            .env("TIKTOK_CLIENT_SECRET", "benchsecret")
            .env("SSL_CERT_FILE", certificates)
            .run()
    }
}

/// What a row came to: for each size the wall time and CPU time in seconds, and the peak in MiB.
struct Measurement<'a> {
    row: &'a Row,
    points: Vec<Point>,
}

struct Point {
    size: usize,
    wall: Spread,
    cpu: Spread,
    peak: f64,
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let program = args.program.canonicalize().with_context(|| {
        format!("{}: build it with `cargo build --release`", args.program.display())
    })?;
    let dir = tempfile::tempdir_in("target")?;
    let dir = dir.path().canonicalize()?;
    let (near, far) =
        (Place::new(&dir.join("near"), Duration::ZERO)?, Place::new(&dir.join("far"), FAR)?);
    println!("median (least to most) of {} runs; wall and CPU time in ms", args.runs);
    println!("{:<24} {:>9}  {:<26} {:<26} {:>9}", "", "size", "wall", "CPU", "peak MiB");
    let wanted = |row: &&Row| args.row.as_ref().is_none_or(|name| row.name.contains(name));
    let rows: Vec<_> = ROWS.iter().filter(wanted).collect();
    let bench = Bench { program: &program, dir: &dir, near: &near, far: &far };
    let (mut measured, mut homes) = (Vec::new(), Homes::new());
    for (at, row) in rows.iter().enumerate() {
        let mut points = Vec::new();
        for &size in row.sizes.iter().filter(|size| **size <= args.most) {
            let point = bench.measure(row, size, args.runs, &mut homes)?;
            println!("{:<24} {point}", row.name);
            points.push(point);
        }
        let measurement = Measurement { row, points };
        if let Some(exponent) = measurement.exponent() {
            println!("{:<24} grows with the size to the power of {exponent:.2}", "");
        }
        measured.push(measurement);
        homes.retain(|(state, _), _| rows[at + 1..].iter().any(|row| row.state == *state));
    }
    if let Some(plots) = &args.plots {
        fs::create_dir_all(plots)?;
        for (name, of_posts) in [("accounts", false), ("posts", true)] {
            let lines = measured.iter().filter(|one| one.row.state.is_of_posts() == of_posts);
            let lines = series(lines);
            // Where only some rows were asked for, the other plot stays.
            if !lines.is_empty() {
                let plot = crate::plot::svg(name, &lines);
                fs::write(plots.join(format!("by-{name}.svg")), plot)?;
            }
        }
    }
    Ok(())
}

/// What rows leave for later ones of the same state, by its size.
type Homes = HashMap<(State, usize), TempDir>;

struct Bench<'a> {
    program: &'a Path,
    dir: &'a Path,
    near: &'a Place,
    far: &'a Place,
}

/// Where TikTok is taken to be.
struct Place {
    api: String,
    certificates: PathBuf,
    _sink: Running,
}

impl Place {
    fn new(dir: &Path, delay: Duration) -> anyhow::Result<Self> {
        fs::create_dir(dir)?;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let sink = Running::start(dir, address, "127.0.0.1", &[], delay)?;
        Ok(Self { api: sink.url(), certificates: dir.join(CERTIFICATE), _sink: sink })
    }
}

impl Bench<'_> {
    fn place(&self, state: State) -> &Place {
        if state == State::AccountsDueFar { self.far } else { self.near }
    }

    fn measure(
        &self,
        row: &Row,
        size: usize,
        runs: usize,
        homes: &mut Homes,
    ) -> anyhow::Result<Point> {
        let key = (row.state, size);
        let mut taken = Vec::new();
        // The first run warms the page cache, and does not count.
        for run in 0..=runs {
            let home = match homes.remove(&key) {
                Some(home) => home,
                None => self.prepare(row.state, size)?,
            };
            let Place { api, certificates, .. } = self.place(row.state);
            let took = Home { dir: home.path(), api }.run(self.program, row.args, certificates);
            let took = took.with_context(|| format!("{}, {size}", row.name))?;
            if !row.state.changes() {
                homes.insert(key, home);
            }
            if run > 0 {
                taken.push(took);
            }
        }
        Ok(Point::of(size, &taken))
    }

    fn prepare(&self, state: State, size: usize) -> anyhow::Result<TempDir> {
        let started = Instant::now();
        let home = tempfile::tempdir_in(self.dir)?;
        let Place { api, certificates, .. } = self.place(state);
        let place = Home { dir: home.path(), api };
        state.prepare(&place, size)?;
        if state.is_saved() {
            // As the program's own save leaves it.
            place.run(
                self.program,
                &["--quiet", "accounts", "alias", "bench0", "bench0"],
                certificates,
            )?;
        }
        let took = started.elapsed().as_secs();
        if took > 5 {
            eprintln!("({size} were prepared in {took} s)");
        }
        Ok(home)
    }
}

impl Point {
    fn of(size: usize, taken: &[Taken]) -> Self {
        let peak = taken.iter().map(|took| took.peak).max().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "MiB")]
        let peak = peak as f64 / 1024.0;
        let wall = Spread::of(taken.iter().map(|took| took.wall));
        Self { size, wall, cpu: Spread::of(taken.iter().map(|took| took.cpu)), peak }
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |spread: Spread| {
            let Spread { least, median, most } = spread;
            format!("{:.1} ({:.1} to {:.1})", median * 1e3, least * 1e3, most * 1e3)
        };
        let (wall, cpu) = (ms(self.wall), ms(self.cpu));
        write!(f, "{:>9}  {wall:<26} {cpu:<26} {:>9.1}", self.size, self.peak)
    }
}

impl Measurement<'_> {
    /// How the wall time grows between the two largest sizes: 1 is in proportion.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn exponent(&self) -> Option<f64> {
        let [.., before, last] = &self.points[..] else { return None };
        let grown = last.size as f64 / before.size as f64;
        Some((last.wall.median / before.wall.median).ln() / grown.ln())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a plot")]
fn series<'a>(
    measured: impl Iterator<Item = &'a Measurement<'a>>,
) -> Vec<(&'static str, Vec<(f64, f64)>)> {
    let points = |one: &Measurement<'_>| {
        one.points.iter().map(|point| (point.size as f64, point.wall.median)).collect()
    };
    measured.map(|one| (one.row.name, points(one))).collect()
}
