//! What the pages show, as plain structs, and their HTML. Nothing is gathered or decided here.

mod confirm;
mod scopes;
mod settings_form;
mod words;

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use self::confirm::ConfirmPage;
pub(crate) use self::scopes::{ScopeChoice, scope_choices};
pub(crate) use self::settings_form::{
    NewSlot, SettingField, SettingGroup, SettingKind, SettingsFormPage,
};
pub(crate) use self::words::{ENGLISH, Words};

/// The style of all pages.
pub(crate) const STYLE: &str =
    concat!(include_str!("../assets/tokens.css"), include_str!("../assets/style.css"));

/// The one script.
pub(crate) const SCRIPT: &str = include_str!("../assets/console.js");

/// The picture in the tab.
pub(crate) const ICON: &str = include_str!("../assets/icon.svg");

/// What every page has around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// What the page is called.
    pub(crate) title: String,
    /// Who looks at it; `None` before they have signed in.
    pub(crate) visitor: Option<Who>,
    /// Where else one can go.
    pub(crate) links: Vec<NavLink>,
    /// What is told of what was done last.
    pub(crate) flashes: Vec<Message>,
    /// After how many seconds a browser without scripts looks again.
    pub(crate) refresh: Option<u32>,
    /// The zone of the times on it; empty if there are none.
    pub(crate) zone: String,
}

/// Who looks at a page.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    /// What each of their forms sends.
    pub(crate) csrf: String,
}

/// A place that the navigation leads to.
#[derive(Clone, Debug)]
pub(crate) struct NavLink {
    pub(crate) href: &'static str,
    pub(crate) words: &'static str,
    pub(crate) is_here: bool,
}

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// As the style has it.
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A sentence, and what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

/// A link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) words: String,
}

/// A time, for people and for machines.
#[derive(Clone, Debug, Default)]
pub(crate) struct When {
    pub(crate) iso: String,
    pub(crate) words: String,
}

impl When {
    /// In a zone, which the foot of each page names.
    pub(crate) fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.to_zoned(zone.clone());
        Self {
            iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            words: local.strftime("%Y-%m-%d %H:%M").to_string(),
        }
    }
}

impl Frame {
    fn csrf(&self) -> &str {
        self.visitor.as_ref().map(|who| who.csrf.as_str()).unwrap_or_default()
    }

    /// A text as HTML, in which what stands between backticks is code. Nothing else of it is markup.
    #[expect(clippy::unused_self, reason = "templates reach functions through what they have")]
    fn code(&self, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        let mut html = String::with_capacity(text.len());
        let whole = text.matches('`').count() / 2 * 2;
        for (nth, part) in text.splitn(whole + 1, '`').enumerate() {
            if nth > 0 {
                html.push_str(if nth % 2 == 1 { "<code>" } else { "</code>" });
            }
            escape(part, &mut html);
        }
        html
    }
}

fn escape(text: &str, html: &mut String) {
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// What stands in the place of a picture of an account: the first letter of its name.
fn initial(name: &str) -> String {
    let first = name.chars().find(|char| char.is_alphanumeric());
    first.map(|char| char.to_uppercase().to_string()).unwrap_or_default()
}

/// A page as HTML. What cannot be written is a mistake of the template, which a test of each page would show.
pub(crate) fn html(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

/// Signing in.
#[derive(Debug, Template)]
#[template(path = "signin.html")]
pub(crate) struct SignInPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    /// What came of the last try.
    pub(crate) said: Option<&'static str>,
    pub(crate) is_good: bool,
    pub(crate) has_users: bool,
    pub(crate) name: String,
}

/// Some sentences and a way on.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) lines: Vec<String>,
    pub(crate) link: Option<Link>,
    /// Whether the link opens beside this page, which is still needed.
    pub(crate) is_beside: bool,
}

/// What matters now.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct OverviewPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) has_accounts: bool,
    pub(crate) parts: Vec<Part>,
}

/// Posts or accounts of which the same is to be said.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) title: &'static str,
    /// What is said if there are none.
    pub(crate) empty: &'static str,
    pub(crate) lines: Vec<PartLine>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct PartLine {
    /// The `id` of a post that may be under way.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) href: Option<String>,
    pub(crate) state: String,
    /// `good`, `warn`, `bad` or `calm`.
    pub(crate) tone: &'static str,
    pub(crate) more: String,
}

/// The accounts.
#[derive(Debug, Template)]
#[template(path = "accounts.html")]
pub(crate) struct AccountsPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) accounts: Vec<AccountCard>,
    /// The apps that one may log in with.
    pub(crate) apps: Vec<String>,
    /// What a login may ask for.
    pub(crate) scopes: Vec<ScopeChoice>,
}

/// An account.
#[derive(Debug)]
pub(crate) struct AccountCard {
    pub(crate) open_id: String,
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) display_name: Option<String>,
    pub(crate) app: String,
    /// What it may do.
    pub(crate) scopes: Vec<String>,
    pub(crate) health: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) is_paused: bool,
    pub(crate) ends: Option<When>,
    pub(crate) needs_login: Option<String>,
}

impl AccountCard {
    fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// A login under way.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) state: String,
    /// The QR code as SVG, which this program has drawn.
    pub(crate) code: Option<String>,
    /// TikTok's page.
    pub(crate) visit: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) is_over: bool,
}

/// Where a post begins: an account and a source.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub(crate) struct StartPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) accounts: Vec<AccountChoice>,
    /// The `open_id` of the one that is chosen.
    pub(crate) chosen: String,
    pub(crate) drafts: Vec<DraftLine>,
    pub(crate) errors: Vec<String>,
    /// What is wrong with the source that was chosen.
    pub(crate) wrong: Option<FieldError>,
    /// What was written into its fields.
    pub(crate) url: String,
    /// Whether this program is to read it and send it on.
    pub(crate) is_sent: bool,
    pub(crate) photos: String,
    /// The folders that may be looked into.
    pub(crate) roots: Vec<String>,
    /// The one that is looked into.
    pub(crate) folder: Option<Folder>,
    /// The largest file that is taken, in bytes.
    pub(crate) upload_limit: u64,
    pub(crate) upload_limit_words: String,
}

/// An account to post for.
#[derive(Debug)]
pub(crate) struct AccountChoice {
    pub(crate) open_id: String,
    pub(crate) name: String,
}

impl AccountChoice {
    fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// A post that was begun.
#[derive(Debug)]
pub(crate) struct DraftLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) begun: When,
}

/// A folder of this machine.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: String,
    pub(crate) parent: Option<String>,
    pub(crate) folders: Vec<FolderEntry>,
    pub(crate) videos: Vec<FolderEntry>,
    pub(crate) has_more: bool,
}

/// What lies in one.
#[derive(Debug)]
pub(crate) struct FolderEntry {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) size: String,
}

/// The form of a post, in the order of TikTok's guidelines.
#[derive(Debug, Template)]
#[template(path = "compose.html")]
pub(crate) struct ComposePage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) id: String,
    /// Why nothing can be composed for the account now.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) avatar: Option<String>,
    pub(crate) nickname: String,
    pub(crate) handle: Option<String>,
    pub(crate) is_photo: bool,
    /// Of a video that cannot be shown: why.
    pub(crate) preview: Option<&'static str>,
    pub(crate) photos: Vec<String>,
    pub(crate) source_name: String,
    /// Which content of the file is shown.
    pub(crate) seen: String,
    /// How often it was kept.
    pub(crate) revision: u64,
    /// What tells this page from others of the same draft.
    pub(crate) page: String,
    /// What was measured of the video.
    pub(crate) facts: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) form: Filled,
    /// In UTF-16 units.
    pub(crate) caption_limit: usize,
    /// What TikTok offers now.
    pub(crate) levels: Vec<Level>,
    pub(crate) interactions: Vec<Interaction>,
    /// Whether the login allows posts, and drafts.
    pub(crate) can_direct: bool,
    pub(crate) can_draft: bool,
    pub(crate) zone: String,
    pub(crate) slots: Vec<String>,
}

/// Why nothing can be composed for an account now.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) title: &'static str,
    pub(crate) help: &'static str,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
    /// Where it is mended.
    pub(crate) link: Option<Link>,
}

/// What is wrong with a field, by its name; of no field if that is empty.
#[derive(Clone, Debug)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// What was filled in.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "boxes of a form")]
pub(crate) struct Filled {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) privacy_level: String,
    pub(crate) disclose: bool,
    pub(crate) brand_organic: bool,
    pub(crate) brand_content: bool,
    pub(crate) is_aigc: bool,
    pub(crate) auto_add_music: bool,
    pub(crate) cover_ms: String,
    pub(crate) is_draft: bool,
    pub(crate) when: String,
    pub(crate) at: String,
    pub(crate) slot: String,
}

/// A privacy level.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// In TikTok's spelling.
    pub(crate) value: String,
    pub(crate) words: String,
}

/// What others may do with a post.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) checked: bool,
    /// The creator has switched it off for every post.
    pub(crate) is_off: bool,
}

impl StartPage {
    fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.field == field);
        wrong.map(|wrong| wrong.message.as_str())
    }
}

impl ComposePage {
    fn wrong(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }
}

/// What waits, is under way, and needs somebody.
#[derive(Debug, Template)]
#[template(path = "queue.html")]
pub(crate) struct QueuePage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) zone: String,
    pub(crate) groups: Vec<Group>,
    /// What was made a moment ago.
    pub(crate) lately: Vec<PartLine>,
}

/// Posts of which the same is to be said.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) posts: Vec<QueuePost>,
}

/// A post in the queue.
#[derive(Debug, Default)]
pub(crate) struct QueuePost {
    /// Its `id`, if it has one.
    pub(crate) id: Option<String>,
    /// What its forms name it by.
    pub(crate) key: String,
    pub(crate) number: Option<u32>,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) manifest: Option<String>,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
    pub(crate) at: Option<When>,
    /// The time that it waits for, as the field of a form has it.
    pub(crate) at_field: String,
    pub(crate) at_words: &'static str,
    pub(crate) words: String,
    pub(crate) hint: Option<String>,
    pub(crate) clash: bool,
    pub(crate) sent: u64,
    pub(crate) size: u64,
    pub(crate) numbers: String,
    /// What somebody may do about it. `None`: nothing.
    pub(crate) choice: Option<Choice>,
}

/// What somebody may do about a post of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Move it, compose it further or take it out: it was composed here and has not begun.
    Change,
    /// Say whether it is there: its outcome is unknown.
    Settle,
    /// Try it again, compose it further or take it out: it failed.
    TryAgain,
    /// Compose it further or take it out: its file is another one.
    LookAgain,
}

/// A post.
#[derive(Debug, Template)]
#[template(path = "post.html")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct PostPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
    pub(crate) facts: Vec<Fact>,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) is_unknown: bool,
    /// Whether it can be changed or tried again in the queue.
    pub(crate) is_in_queue: bool,
    /// Where it is a draft again.
    pub(crate) draft: Option<String>,
    pub(crate) is_pull: bool,
    pub(crate) profile: Option<String>,
    /// A row of cells for each.
    pub(crate) attempts: Vec<Vec<String>>,
}

/// A fact.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) what: &'static str,
    pub(crate) is: String,
}

/// What was posted.
#[derive(Debug, Template)]
#[template(path = "history.html")]
pub(crate) struct HistoryPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) filters: Vec<Filter>,
    pub(crate) is_filtered: bool,
    /// Whether TikTok was asked for covers, addresses and numbers.
    pub(crate) with_numbers: bool,
    /// Why it did not give them.
    pub(crate) no_numbers: Option<String>,
    pub(crate) downloads: Vec<Link>,
    pub(crate) sums: Vec<Fact>,
    pub(crate) posts: Vec<MadePost>,
    /// The pages beside this one, and which posts of how many are on it.
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
    pub(crate) place: Option<String>,
}

/// What the history can be narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) chosen: String,
    pub(crate) choices: Vec<Level>,
}

/// A post that was made.
#[derive(Debug)]
pub(crate) struct MadePost {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) at: When,
    pub(crate) state: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) cover: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) views: Option<u64>,
    pub(crate) likes: Option<u64>,
    pub(crate) comments: Option<u64>,
    pub(crate) shares: Option<u64>,
}

impl MadePost {
    fn numbers(&self) -> [Fact; 4] {
        let fact =
            |what, count: Option<u64>| Fact { what, is: count.map(grouped).unwrap_or_default() };
        [
            fact(ENGLISH.views, self.views),
            fact(ENGLISH.likes, self.likes),
            fact(ENGLISH.comments, self.comments),
            fact(ENGLISH.shares, self.shares),
        ]
    }
}

/// A number as people read it: 1234567 is `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Days with their posts.
#[derive(Debug, Template)]
#[template(path = "calendar.html")]
pub(crate) struct CalendarPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    /// `month` or `week`.
    pub(crate) view: &'static str,
    pub(crate) at: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) days: Vec<Day>,
}

impl CalendarPage {
    fn is_week(&self) -> bool {
        self.view == "week"
    }

    fn is_bare(&self) -> bool {
        self.days.iter().all(|day| day.posts.is_empty())
    }
}

/// A day.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) date: String,
    /// Within its month.
    pub(crate) number: i8,
    pub(crate) words: String,
    pub(crate) is_today: bool,
    /// Of another month.
    pub(crate) is_outside: bool,
    pub(crate) posts: Vec<DayPost>,
    /// How many it has besides.
    pub(crate) more: usize,
}

/// A post of a day.
#[derive(Debug)]
pub(crate) struct DayPost {
    pub(crate) time: String,
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) account: String,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
}

/// What `doctor` finds.
#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub(crate) struct DoctorPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_run: bool,
    pub(crate) findings: Vec<FindingLine>,
}

/// A finding.
#[derive(Debug)]
pub(crate) struct FindingLine {
    pub(crate) check: String,
    pub(crate) word: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The settings.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) config_file: String,
    /// Each with its value and where that comes from.
    pub(crate) settings: Vec<(String, String, String)>,
    /// Each with their role.
    pub(crate) users: Vec<(String, &'static str)>,
}

/// TikTok's guidelines, and where they are met.
#[derive(Debug, Template)]
#[template(path = "guidelines.html")]
pub(crate) struct GuidelinesPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    /// A post that is being composed, to show its form.
    pub(crate) draft: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_else_is_markup() {
        let code = |text: &str| Frame::default().code(text);
        assert_eq!(code("run `a < b` now"), "run <code>a &lt; b</code> now");
        assert_eq!(code("`a` and `b`"), "<code>a</code> and <code>b</code>");
        assert_eq!(code("one ` alone"), "one ` alone");
        assert_eq!(code("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(code("<b>'\"&"), "&lt;b&gt;&#39;&quot;&amp;");
    }

    #[test]
    fn numbers_are_grouped_and_names_have_a_letter() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(["@ada", "émile", "", "…"].map(initial), ["A", "É", "", ""]);
    }

    /// All that is read stands in `words.rs`, so that a translation has it all.
    #[test]
    fn the_templates_have_nothing_to_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/templates");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (begin, end) in [("{{", "}}"), ("{%", "%}"), ("<", ">")] {
                while let Some((before, rest)) = text.split_once(begin) {
                    let (_, after) = rest.split_once(end).unwrap();
                    text = format!("{before} {after}");
                }
            }
            let text = text.replace("&amp;", "");
            assert!(!text.contains(char::is_alphabetic), "{}: {}", path.display(), text.trim());
        }
    }

    /// docs/audit.md has each point of the guidelines with its words, and pictures that are there and not too large.
    #[test]
    fn the_page_for_an_audit_has_each_point_and_its_pictures() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let page = std::fs::read_to_string(docs.join("audit.md")).unwrap();
        let mut parts = page.split("\n## ").skip(1);
        for point in ENGLISH.points {
            let part = parts.next().unwrap();
            let title = format!("{} {}\n", point.number, point.title);
            assert!(part.starts_with(&title), "{title} instead of {part}");
            for words in point.words {
                assert!(part.contains(&format!("> {words}\n")), "{title}: {words}");
            }
            assert!(part.contains(point.here) && part.contains("](audit/"), "{title}");
        }
        assert_eq!(parts.next(), None);
        let pictures: BTreeSet<&str> =
            page.split("](audit/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        let kept: BTreeMap<String, u64> = std::fs::read_dir(docs.join("audit"))
            .unwrap()
            .map(|file| file.unwrap())
            .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
            .collect();
        assert!(pictures.into_iter().eq(kept.keys()), "{kept:?}");
        assert!(kept.values().sum::<u64>() < 1_000_000, "{kept:?}");
    }
}
