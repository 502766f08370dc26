//! What commands cost by the number of accounts and of posts.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

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
    sizes: &'static [usize],
    /// Whether a run leaves the next one something else to do.
    changes: bool,
    /// Which plot it is in: cost by accounts, or by posts.
    by_posts: bool,
    prepare: fn(&Home<'_>, usize) -> anyhow::Result<()>,
    args: &'static [&'static str],
}

/// Where a command runs.
struct Home<'a> {
    dir: &'a Path,
    api: &'a str,
}

const THOUSANDS: &[usize] = &[100, 1_000, 10_000, 100_000];
const MILLION: &[usize] = &[1_000, 10_000, 100_000, 1_000_000];

const ROWS: &[Row] = &[
    Row {
        name: "refresh, nothing due",
        sizes: THOUSANDS,
        changes: false,
        by_posts: false,
        prepare: |home, count| Ok(scratch::accounts(&home.state(), home.api, count)?),
        args: &["--quiet", "refresh"],
    },
    Row {
        name: "refresh, all due",
        sizes: &[10, 100, 1_000],
        changes: true,
        by_posts: false,
        prepare: |home, count| Ok(scratch::accounts_that_are_due(&home.state(), home.api, count)?),
        args: &["--quiet", "refresh"],
    },
    Row {
        name: "accounts",
        sizes: THOUSANDS,
        changes: false,
        by_posts: false,
        prepare: |home, count| Ok(scratch::accounts(&home.state(), home.api, count)?),
        args: &["accounts"],
    },
    Row {
        name: "accounts import",
        sizes: THOUSANDS,
        changes: true,
        by_posts: false,
        prepare: |home, count| Ok(scratch::foreign(&home.dir.join("logins.json"), count)?),
        args: &["--quiet", "accounts", "import", "logins.json"],
    },
    Row {
        name: "upload of posted URLs",
        sizes: &[100, 1_000, 10_000, 100_000],
        changes: false,
        by_posts: true,
        prepare: |home, count| home.posted((0..count).map(url), count),
        args: &["--quiet", "upload", "manifest.json"],
    },
    Row {
        name: "upload of posted files",
        sizes: &[100, 1_000, 10_000, 100_000],
        changes: false,
        by_posts: true,
        prepare: |home, count| home.posted(home.files(count)?, count),
        args: &["--quiet", "upload", "manifest.json"],
    },
    Row {
        name: "upload of one, journal",
        sizes: MILLION,
        changes: false,
        by_posts: true,
        prepare: |home, count| home.posted((0..count).map(url), 1),
        args: &["--quiet", "upload", "manifest.json"],
    },
    Row {
        name: "status, journal",
        sizes: MILLION,
        changes: false,
        by_posts: true,
        prepare: |home, count| home.posted((0..count).map(url), 1),
        args: &["status"],
    },
    Row {
        name: "doctor, journal",
        sizes: MILLION,
        changes: false,
        by_posts: true,
        prepare: |home, count| home.posted((0..count).map(url), 1),
        args: &["doctor"],
    },
];

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
    fn posted(
        &self,
        sources: impl IntoIterator<Item = String>,
        in_manifest: usize,
    ) -> anyhow::Result<()> {
        scratch::accounts(&self.state(), self.api, 1)?;
        let sources: Vec<_> = sources.into_iter().collect();
        let entries: Vec<_> = sources[..in_manifest]
            .iter()
            .map(|source| {
                let field = if source.contains("://") { "video_url" } else { "video_path" };
                json!({ "user_id": "bench0", field: source, "privacy_level": "SELF_ONLY" })
            })
            .collect();
        fs::write(self.dir.join("manifest.json"), serde_json::to_vec(&entries)?)?;
        tiktok_up::testing::fill_journal(&self.state(), &scratch::open_id(0), sources);
        Ok(())
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
    let sink = Running::start(&dir, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), "127.0.0.1", &[])?;
    let (api, certificates) = (sink.url(), dir.join(CERTIFICATE));
    println!("median (least to most) of {} runs; wall and CPU time in ms", args.runs);
    println!("{:<24} {:>9}  {:<26} {:<26} {:>9}", "", "size", "wall", "CPU", "peak MiB");
    let mut measured = Vec::new();
    let wanted = |row: &&Row| args.row.as_ref().is_none_or(|name| row.name.contains(name));
    for row in ROWS.iter().filter(wanted) {
        let mut points = Vec::new();
        for &size in row.sizes.iter().filter(|size| **size <= args.most) {
            let point = measure(row, size, args.runs, &program, &dir, &api, &certificates)?;
            println!("{:<24} {point}", row.name);
            points.push(point);
        }
        let measurement = Measurement { row, points };
        if let Some(exponent) = measurement.exponent() {
            println!("{:<24} grows with the size to the power of {exponent:.2}", "");
        }
        measured.push(measurement);
    }
    if let Some(plots) = &args.plots {
        fs::create_dir_all(plots)?;
        for (name, title, by_posts) in [("accounts", "accounts", false), ("posts", "posts", true)] {
            let lines = measured.iter().filter(|one| one.row.by_posts == by_posts);
            fs::write(
                plots.join(format!("by-{name}.svg")),
                crate::plot::svg(title, &series(lines)),
            )?;
        }
    }
    Ok(())
}

fn measure(
    row: &Row,
    size: usize,
    runs: usize,
    program: &Path,
    dir: &Path,
    api: &str,
    certificates: &Path,
) -> anyhow::Result<Point> {
    let fresh = || -> anyhow::Result<_> {
        let dir = tempfile::tempdir_in(dir)?;
        (row.prepare)(&Home { dir: dir.path(), api }, size)?;
        Ok(dir)
    };
    let mut kept = None;
    let mut taken = Vec::new();
    // The first run warms the page cache, and does not count.
    for run in 0..=runs {
        let home = match kept.take() {
            Some(home) => home,
            None => fresh()?,
        };
        let took = Home { dir: home.path(), api }.run(program, row.args, certificates);
        let took = took.with_context(|| format!("{}, {size}", row.name))?;
        kept = Some(home).filter(|_| !row.changes);
        if run > 0 {
            taken.push(took);
        }
    }
    let peak = taken.iter().map(|took| took.peak).max().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "MiB")]
    let peak = peak as f64 / 1024.0;
    let wall = Spread::of(taken.iter().map(|took| took.wall));
    Ok(Point { size, wall, cpu: Spread::of(taken.iter().map(|took| took.cpu)), peak })
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
