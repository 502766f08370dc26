//! From the form of the compose page to an entry of a manifest, by TikTok's guidelines
//! (<https://developers.tiktok.com/doc/content-sharing-guidelines>): nothing that the form leaves out is taken from
//! anywhere else.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tiktok_open::CreatorInfo;

use super::draft::{Draft, DraftSource, Form};
use super::queue::QueueEntry;
use crate::model::{Field, Mode, Transport};

/// What is said where a disclosure says of nobody what is promoted: TikTok's own words.
pub(crate) const NOBODY_NAMED: &str =
    "You need to indicate if your content promotes yourself, a third party, or both.";

/// What is said of branded content that nobody is to see: TikTok's own words.
pub(crate) const BRANDED_IN_PRIVATE: &str = "Branded content visibility cannot be set to private.";

/// The largest caption of a video, in UTF-16 units.
const CAPTION: usize = 2200;

/// The largest title and description of photos, in UTF-16 units.
const TITLE: usize = 90;
const DESCRIPTION: usize = 4000;

/// What a form is held against.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    /// What TikTok says now of the creator; `None` for a draft, of which it says nothing.
    pub(crate) creator: Option<&'a CreatorInfo>,
    /// How long the video is, if that could be measured.
    pub(crate) duration: Option<Duration>,
    /// The slots that there are.
    pub(crate) slots: &'a [String],
    /// Where the times of the form are.
    pub(crate) zone: &'a TimeZone,
    /// The time.
    pub(crate) now: Timestamp,
}

/// What is wrong with a field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The field's name; empty of what no field is to blame for.
    pub(crate) field: &'static str,
    /// What is wrong.
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn of(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// The entry that a form asks for, or all that is wrong with it.
pub(crate) fn entry(
    draft: &Draft,
    file: Option<&Path>,
    terms: &Terms<'_>,
) -> Result<QueueEntry, Vec<Wrong>> {
    let form = &draft.form;
    let is_photo = matches!(draft.source, DraftSource::Photos { .. });
    let mut wrong = Vec::new();
    let mut entry = QueueEntry::new();
    let mut set = |field: Field, value: Value| _ = entry.insert(field.name().to_owned(), value);
    set(Field::Id, json!(draft.id));
    set(Field::UserId, json!(draft.account));
    match (&draft.source, file) {
        (DraftSource::Url { url, is_sent }, _) => {
            set(Field::VideoUrl, json!(url));
            if *is_sent {
                set(Field::Transfer, json!(Transport::Upload.as_str()));
            }
        }
        (DraftSource::Photos { urls }, _) => set(Field::PhotoUrls, json!(urls)),
        (_, Some(path)) => match path.to_str() {
            Some(path) => set(Field::VideoPath, json!(path)),
            None => wrong.push(Wrong::of("", "the name of the file is not UTF-8: rename it")),
        },
        (_, None) => wrong.push(Wrong::of("", "the video is not there")),
    }
    match time(form, terms.slots, terms.zone, terms.now) {
        Ok(Some(at)) => set(Field::PublishAt, json!(at)),
        Ok(None) => {}
        Err(error) => wrong.push(error),
    }
    // What was not chosen is not taken for what most people see.
    let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == form.mode);
    if mode.is_none() {
        wrong.push(Wrong::of(
            "mode",
            "Choose whether it is posted, or sent to the inbox as a draft.",
        ));
    }
    let mode = mode.unwrap_or(Mode::Draft);
    set(Field::Mode, json!(mode.as_str()));
    if mode == Mode::Draft && !is_photo {
        // All else is chosen in the TikTok app.
        return if wrong.is_empty() { Ok(entry) } else { Err(wrong) };
    }

    let long = |text: &str| text.encode_utf16().count();
    if is_photo {
        set(Field::Title, json!(form.title));
        if long(&form.title) > TITLE {
            wrong.push(Wrong::of("title", too_long(TITLE)));
        }
    }
    let most = if is_photo { DESCRIPTION } else { CAPTION };
    if long(&form.caption) > most {
        wrong.push(Wrong::of("caption", too_long(most)));
    }
    set(Field::Description, json!(form.caption));
    // What the accounts' settings would add to it.
    set(Field::Tags, json!([]));
    if mode == Mode::Draft {
        return if wrong.is_empty() { Ok(entry) } else { Err(wrong) };
    }

    if form.privacy_level.is_empty() {
        wrong.push(Wrong::of("privacy_level", "Choose who can see this post."));
    } else if let Some(creator) = terms.creator
        && !creator.privacy_level_options.contains(&form.privacy_level)
    {
        wrong.push(Wrong::of("privacy_level", "The account does not offer this choice any more."));
    }
    set(Field::PrivacyLevel, json!(form.privacy_level));

    // What the creator has switched off for every post is not switched on by a box.
    let is_off = |of: fn(&CreatorInfo) -> bool| terms.creator.is_some_and(of);
    let refuse = |allowed: &Option<String>, off: bool| json!(allowed.is_none() || off);
    set(Field::DisableComment, refuse(&form.allow_comment, is_off(|it| it.comment_disabled)));
    if is_photo {
        set(Field::AutoAddMusic, json!(form.auto_add_music.is_some()));
    } else {
        set(Field::DisableDuet, refuse(&form.allow_duet, is_off(|it| it.duet_disabled)));
        set(Field::DisableStitch, refuse(&form.allow_stitch, is_off(|it| it.stitch_disabled)));
        match form.cover_ms.trim().parse::<u64>() {
            Ok(at) => set(Field::VideoCoverTimestampMs, json!(at)),
            Err(_) if form.cover_ms.trim().is_empty() => {}
            Err(_) => wrong.push(Wrong::of("cover_ms", "Write it in milliseconds, such as 1500.")),
        }
        set(Field::IsAigc, json!(form.is_aigc.is_some()));
    }

    // Boxes under a switch that is off were never shown as chosen.
    let discloses = form.disclose.is_some();
    let branded = discloses && form.brand_content.is_some();
    let own = discloses && form.brand_organic.is_some();
    if discloses && !branded && !own {
        wrong.push(Wrong::of("disclose", NOBODY_NAMED));
    }
    if branded && form.privacy_level == "SELF_ONLY" {
        wrong.push(Wrong::of("privacy_level", BRANDED_IN_PRIVATE));
    }
    set(Field::BrandContentToggle, json!(branded));
    set(Field::BrandOrganicToggle, json!(own));

    let longest = terms.creator.and_then(|creator| creator.max_video_duration);
    if let (Some(duration), Some(longest)) = (terms.duration, longest)
        && duration > longest + Duration::from_secs(1)
    {
        let (is, most) = (duration.as_secs(), longest.as_secs());
        wrong.push(Wrong::of(
            "",
            format!("The video takes {is} seconds, and this creator may post {most} at most."),
        ));
    }
    if wrong.is_empty() { Ok(entry) } else { Err(wrong) }
}

/// Whether a draft has something filled in that TikTok takes with no draft.
pub(crate) fn leaves_out(draft: &Draft) -> bool {
    let form = &draft.form;
    let words = !matches!(draft.source, DraftSource::Photos { .. }) && !form.caption.is_empty();
    words || !form.privacy_level.is_empty() || form.disclose.is_some() || form.is_aigc.is_some()
}

fn too_long(most: usize) -> String {
    format!("It is longer than the {most} UTF-16 units that TikTok takes.")
}

/// When the post is to go: a time with its offset, or the name of a slot as a manifest has it. `None`: now.
pub(crate) fn time(
    form: &Form,
    slots: &[String],
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Option<String>, Wrong> {
    match form.when.as_str() {
        "now" => Ok(None),
        "slot" if slots.contains(&form.slot) => Ok(Some(format!("next:{}", form.slot))),
        "slot" => Err(Wrong::of("slot", "There is no slot of this name.")),
        "at" => {
            let unread = || Wrong::of("at", "Choose a day and a time.");
            let at: DateTime = form.at.trim().parse().map_err(|_| unread())?;
            let at = at.to_zoned(zone.clone()).map_err(|_| unread())?;
            if at.timestamp() <= now {
                return Err(Wrong::of("at", "This time is over: choose a later one, or now."));
            }
            Ok(Some(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()))
        }
        _ => Err(Wrong::of("when", "Choose when it is to be posted.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creator() -> CreatorInfo {
        let mut creator = CreatorInfo::default();
        creator.privacy_level_options = vec!["PUBLIC_TO_EVERYONE".into(), "SELF_ONLY".into()];
        creator.duet_disabled = true;
        creator.max_video_duration = Some(Duration::from_mins(1));
        creator
    }

    fn chosen() -> Form {
        Form { mode: "direct".into(), when: "now".into(), ..Form::default() }
    }

    fn draft(source: DraftSource, form: Form) -> Draft {
        let id = "web-0123456789abcdef".to_owned();
        Draft { form, ..Draft::new(id, "a".into(), source, Timestamp::UNIX_EPOCH) }
    }

    fn made(source: DraftSource, form: Form, duration: u64) -> Result<Value, Vec<Wrong>> {
        let (creator, slots) = (creator(), ["evening".to_owned()]);
        let terms = Terms {
            creator: Some(&creator),
            duration: Some(Duration::from_secs(duration)),
            slots: &slots,
            zone: &TimeZone::UTC,
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        entry(&draft(source, form), Some(Path::new("/v/clip.mp4")), &terms).map(Value::Object)
    }

    fn file() -> DraftSource {
        DraftSource::File { path: "/v/clip.mp4".into() }
    }

    /// A box that is checked.
    const ON: &str = "on";

    fn told(made: Result<Value, Vec<Wrong>>) -> Vec<(&'static str, String)> {
        made.unwrap_err().into_iter().map(|wrong| (wrong.field, wrong.message)).collect()
    }

    #[test]
    fn every_field_that_a_setting_could_fill_is_said() {
        let form = Form { privacy_level: "SELF_ONLY".into(), ..chosen() };
        let entry = made(file(), form, 3).unwrap();
        assert_eq!(
            entry,
            json!({
                "id": "web-0123456789abcdef",
                "user_id": "a",
                "video_path": "/v/clip.mp4",
                "mode": "direct",
                "description": "",
                "tags": [],
                "privacy_level": "SELF_ONLY",
                "disable_comment": true,
                "disable_duet": true,
                "disable_stitch": true,
                "is_aigc": false,
                "brand_content_toggle": false,
                "brand_organic_toggle": false,
            })
        );
        // Music is for photos.
        let others = Field::ALL.iter().filter(|field| **field != Field::AutoAddMusic);
        for field in others.filter(|field| field.is_for_config()) {
            assert!(entry.get(field.name()).is_some(), "{}", field.name());
        }
    }

    #[test]
    fn what_the_creator_has_switched_off_stays_off() {
        let form = Form {
            privacy_level: "PUBLIC_TO_EVERYONE".into(),
            allow_comment: Some(ON.into()),
            allow_duet: Some(ON.into()),
            ..chosen()
        };
        let entry = made(file(), form, 3).unwrap();
        assert_eq!(
            (&entry["disable_comment"], &entry["disable_duet"]),
            (&json!(false), &json!(true))
        );
    }

    #[test]
    fn a_privacy_level_is_chosen_and_on_offer() {
        assert_eq!(told(made(file(), chosen(), 3))[0].0, "privacy_level");
        let form = Form { privacy_level: "MUTUAL_FOLLOW_FRIENDS".into(), ..chosen() };
        assert_eq!(told(made(file(), form, 3))[0].0, "privacy_level");
    }

    #[test]
    fn a_disclosure_names_somebody_and_is_not_private() {
        let open = Form {
            privacy_level: "PUBLIC_TO_EVERYONE".into(),
            disclose: Some(ON.into()),
            ..chosen()
        };
        assert_eq!(told(made(file(), open.clone(), 3)), [("disclose", NOBODY_NAMED.to_owned())]);
        let branded = Form {
            brand_content: Some(ON.into()),
            privacy_level: "SELF_ONLY".into(),
            ..open.clone()
        };
        let words = BRANDED_IN_PRIVATE.to_owned();
        assert_eq!(told(made(file(), branded, 3)), [("privacy_level", words)]);
        let entry =
            made(file(), Form { brand_organic: Some(ON.into()), ..open.clone() }, 3).unwrap();
        assert_eq!(entry["brand_organic_toggle"], true);
        // A box under a switch that is off says nothing.
        let entry =
            made(file(), Form { brand_content: Some(ON.into()), disclose: None, ..open }, 3)
                .unwrap();
        assert_eq!(entry["brand_content_toggle"], false);
    }

    #[test]
    fn what_is_too_long_is_told() {
        let form = Form {
            privacy_level: "SELF_ONLY".into(),
            caption: "\u{1f600}".repeat(1101),
            ..chosen()
        };
        let told = told(made(file(), form, 62));
        assert_eq!(told.iter().map(|(field, _)| *field).collect::<Vec<_>>(), ["caption", ""]);
    }

    #[test]
    fn a_time_is_to_come_and_a_slot_there() {
        let at = |when: &str, at: &str, slot: &str| {
            let form = Form {
                privacy_level: "SELF_ONLY".into(),
                when: when.into(),
                at: at.into(),
                slot: slot.into(),
                ..chosen()
            };
            made(file(), form, 3)
        };
        assert_eq!(
            at("at", "2026-02-01T10:30", "").unwrap()["publish_at"],
            "2026-02-01T10:30:00+00:00"
        );
        assert_eq!(told(at("at", "2025-02-01T10:30", ""))[0].0, "at");
        assert_eq!(told(at("at", "soon", ""))[0].0, "at");
        assert_eq!(at("slot", "", "evening").unwrap()["publish_at"], "next:evening");
        assert_eq!(told(at("slot", "", "noon"))[0].0, "slot");
        assert_eq!(told(at("later", "", ""))[0].0, "when");
    }

    #[test]
    fn a_draft_says_nothing_but_what_and_when() {
        let form = Form { mode: "draft".into(), caption: "words".into(), ..chosen() };
        let entry = made(file(), form, 3).unwrap();
        let known: Vec<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(known, ["id", "mode", "user_id", "video_path"]);
    }

    #[test]
    fn photos_have_comments_and_music_alone() {
        let urls = vec!["https://a.example/1.jpg".to_owned()];
        let form = Form {
            privacy_level: "SELF_ONLY".into(),
            title: "A title".into(),
            auto_add_music: Some(ON.into()),
            ..chosen()
        };
        let entry = made(DraftSource::Photos { urls }, form, 0).unwrap();
        assert_eq!((&entry["title"], &entry["auto_add_music"]), (&json!("A title"), &json!(true)));
        assert!(entry.get("disable_duet").is_none() && entry.get("is_aigc").is_none());
    }
}
