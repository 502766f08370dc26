//! What the pages show, as plain structs, and their HTML. Nothing is gathered or decided here.

mod confirm;
mod words;

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use self::confirm::ConfirmPage;
pub(crate) use self::words::{ENGLISH, Words};

/// The style of all pages.
pub(crate) const STYLE: &str = include_str!("../assets/style.css");

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
    /// How many things wait there for somebody.
    pub(crate) count: usize,
}

/// A sentence, and what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) good: bool,
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
    /// In the zone of this machine.
    pub(crate) fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.to_zoned(zone.clone());
        Self {
            iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            words: local.strftime("%Y-%m-%d %H:%M %:z").to_string(),
        }
    }
}

impl Frame {
    fn csrf(&self) -> &str {
        self.visitor.as_ref().map(|who| who.csrf.as_str()).unwrap_or_default()
    }
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
}

/// What matters now.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct OverviewPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
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
}

/// An account.
#[derive(Debug)]
pub(crate) struct AccountCard {
    pub(crate) open_id: String,
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) display_name: Option<String>,
    pub(crate) app: String,
    pub(crate) scopes: String,
    pub(crate) health: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) is_paused: bool,
    pub(crate) ends: Option<When>,
    pub(crate) needs_login: Option<String>,
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
    pub(crate) drafts: Vec<DraftLine>,
    pub(crate) errors: Vec<String>,
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct ComposePage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) id: String,
    /// Why TikTok does not let the creator post now.
    pub(crate) refusal: Option<Message>,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) avatar: Option<String>,
    pub(crate) nickname: String,
    pub(crate) handle: Option<String>,
    pub(crate) is_photo: bool,
    pub(crate) is_pulled: bool,
    pub(crate) photos: Vec<String>,
    pub(crate) source_name: String,
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
    pub(crate) at_words: &'static str,
    pub(crate) words: String,
    pub(crate) hint: Option<String>,
    pub(crate) clash: bool,
    pub(crate) sent: u64,
    pub(crate) size: u64,
    pub(crate) numbers: String,
    /// It was composed here and has not begun.
    pub(crate) is_ours: bool,
    pub(crate) is_unknown: bool,
}

/// A post.
#[derive(Debug, Template)]
#[template(path = "post.html")]
pub(crate) struct PostPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) can_change: bool,
    pub(crate) number: u32,
    pub(crate) id: Option<String>,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
    pub(crate) facts: Vec<Fact>,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) urls: Vec<String>,
    pub(crate) is_unknown: bool,
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

/// A table with filters and downloads.
#[derive(Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct TablePage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) filters: Vec<Filter>,
    pub(crate) downloads: Vec<Link>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) empty: &'static str,
    pub(crate) empty_help: &'static str,
}

/// What a table can be narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) chosen: String,
    pub(crate) choices: Vec<Level>,
}

/// A cell of a table.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) words: String,
    pub(crate) href: Option<String>,
    pub(crate) is_outside: bool,
}

impl Cell {
    /// Words alone.
    pub(crate) fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), ..Self::default() }
    }
}

/// Days with their posts.
#[derive(Debug, Template)]
#[template(path = "calendar.html")]
pub(crate) struct CalendarPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    /// `month` or `week`.
    pub(crate) view: &'static str,
    pub(crate) other_view: &'static str,
    pub(crate) other_words: &'static str,
    pub(crate) at: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) days: Vec<Day>,
}

/// A day.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) date: String,
    pub(crate) words: String,
    pub(crate) is_today: bool,
    /// Of another month.
    pub(crate) is_outside: bool,
    pub(crate) posts: Vec<DayPost>,
}

/// A post of a day.
#[derive(Debug)]
pub(crate) struct DayPost {
    pub(crate) time: String,
    pub(crate) name: String,
    pub(crate) href: Option<String>,
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
    pub(crate) points: Vec<Point>,
    /// A post that is being composed, to show its form.
    pub(crate) draft: Option<String>,
}

/// A point of the guidelines.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) title: &'static str,
    /// TikTok's own words.
    pub(crate) words: &'static str,
    /// What the compose page does about it.
    pub(crate) here: &'static str,
    /// The element of the page.
    pub(crate) anchor: &'static str,
}

/// The points of the guidelines
/// (<https://developers.tiktok.com/doc/content-sharing-guidelines>), in the order of the page.
pub(crate) fn points() -> Vec<Point> {
    let point = |title, words, here, anchor| Point { title, words, here, anchor };
    vec![
        point(
            "Creator",
            "must display the creator's nickname",
            "The nickname and the picture stand at the top, asked for when the page opens.",
            "creator",
        ),
        point(
            "Not now",
            "must stop the current publishing attempt and prompt users to try again later",
            "If TikTok says that the account cannot post now, the page says why, and has no form.",
            "refused",
        ),
        point(
            "Duration",
            "must check if the duration of the to-be-posted video follows the max_video_post_duration_sec",
            "The length is measured and shown under the preview; a video that is too long is not sent.",
            "preview",
        ),
        point(
            "Preview",
            "should display a preview of the to-be-posted content",
            "The very file is played in the page; photos are shown one beside the other.",
            "preview",
        ),
        point(
            "Words",
            "users should be able to edit the preset text",
            "Title and caption are empty until somebody writes them.",
            "caption",
        ),
        point(
            "Privacy",
            "Users must manually select the privacy status from a dropdown and there should be no default value",
            "The list has what TikTok offers now, and nothing is chosen.",
            "privacy_level",
        ),
        point(
            "Interactions",
            "none should be checked by default",
            "Comment, duet and stitch are not checked; what the creator has switched off is greyed out. Photos have comments alone.",
            "interactions",
        ),
        point(
            "Commercial content",
            "You need to indicate if your content promotes yourself, a third party, or both.",
            "The switch is off and its boxes are empty. While it is on and none is chosen, the button does nothing and says this.",
            "disclosure",
        ),
        point(
            "Branded content",
            "Branded content visibility cannot be set to private.",
            "With branded content “only me” cannot be chosen, and says this.",
            "privacy_level",
        ),
        point(
            "Consent",
            "By posting, you agree to TikTok's Music Usage Confirmation",
            "The line stands above the button, and names the Branded Content Policy as well when that applies.",
            "declaration",
        ),
        point(
            "Processing",
            "it may take a few minutes for the content to process and be visible on their profile",
            "The page says so above the button, and the queue shows what TikTok says of the post.",
            "publish-section",
        ),
        point(
            "Consent before sending",
            "must only start sending content materials to TikTok after the user has expressly consented to the upload",
            "Nothing is sent before the button is pressed.",
            "publish",
        ),
    ]
}
