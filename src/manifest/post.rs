//! One post: what its own fields and the defaults make together, and whether that can be posted.

use std::path::Path;

use super::Entry;
use super::fields::Fields;
use super::review::Review;
use super::web;
use crate::model::fields::nearest;
use crate::model::slot::NEXT;
use crate::model::{
    Caption, Defaults, Field, FieldValues, Location, Mode, ObjectAddress, Place, Post, Source,
    Transport, UserOrigin, WebAddress, caption, wording,
};
use crate::text::{self, template};
use tiktok_open::Privacy;

/// What all posts of a manifest have in common.
#[derive(Debug)]
pub(super) struct EntryContext<'a> {
    /// The manifest's folder.
    pub(super) folder: &'a Path,
    /// What comes from outside the manifest.
    pub(super) given: &'a Defaults,
    /// The manifest's own `defaults`.
    pub(super) defaults: &'a Fields,
}

/// The kind of content, which decides what else a post may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Video,
    Photos,
}

impl EntryContext<'_> {
    /// Makes the post that begins at byte `start`; `None` when nothing more can be found out about it.
    pub(super) fn post(
        &self,
        index: usize,
        start: usize,
        own: &Fields,
        review: &mut Review<'_>,
    ) -> Option<Entry> {
        let values = self.values(own);
        refuse_private_branding(&values, start, own, |field| self.is_invalid(field, own), review);
        let kind = one_source(start, own, review)?;
        refuse_what_does_not_go_with(kind, own, review);
        let source = self.source(own, &values, review);
        self.refuse_unknown_slot(&values, own, start, review);
        let caption = self.caption(kind, index, &values, start, own, review);
        if self.is_user_garbled(own) {
            return None;
        }
        let video = kind == Kind::Video;
        let flag = |field: Field| {
            let goes = if video { !field.is_for_photos() } else { !field.is_for_videos() };
            values.flag(field).filter(|_| goes)
        };
        let cover = values.count(Field::VideoCoverTimestampMs).filter(|_| video);
        let at = |at: usize| {
            let (line, column) = review.locate(at);
            Place { line, column }
        };
        let place =
            |field: Option<Field>| at(field.and_then(|field| own.place_of(field)).unwrap_or(start));
        let user_from = self.user_from(own);
        let named = Field::SOURCES.into_iter().find(|&field| own.place_of(field).is_some());
        let caption = caption.unwrap_or_default();
        let tags = values.texts(Field::Tags).unwrap_or_default();
        let doubts = {
            // Braces are meant where texts are templates.
            let filled = self.given.templates;
            wording::doubts(caption.title.as_deref(), &caption.text, tags, filled)
        };
        let mut entry = Entry {
            index,
            user: values.text(Field::UserId).map(str::to_owned),
            user_at: match user_from {
                UserOrigin::Defaults => self.defaults.place_of(Field::UserId),
                _ => own.place_of(Field::UserId),
            }
            .map_or_else(|| place(None), at),
            user_from,
            id_at: own.place_of(Field::Id).map(at),
            cover_at: [own, self.defaults]
                .into_iter()
                .find_map(|fields| fields.place_of(Field::VideoCoverTimestampMs))
                .map(at),
            source_at: place(named),
            post: Post {
                id: own.values.text(Field::Id).map(str::to_owned),
                source: source?,
                // If it is wrong that was noted, and the rest can be looked at all the same.
                caption,
                mode: values.mode().unwrap_or_default(),
                privacy: values.privacy(),
                disable_comment: flag(Field::DisableComment),
                disable_duet: flag(Field::DisableDuet),
                disable_stitch: flag(Field::DisableStitch),
                cover_timestamp_ms: cover.and_then(|cover| cover.try_into().ok()),
                brand_content: flag(Field::BrandContentToggle).unwrap_or_default(),
                brand_organic: flag(Field::BrandOrganicToggle).unwrap_or_default(),
                is_aigc: flag(Field::IsAigc),
                auto_add_music: flag(Field::AutoAddMusic),
                skip_media_check: flag(Field::SkipMediaCheck).unwrap_or_default(),
                publish_at: values.publish_at(),
                slot: values.slot().map(str::to_owned),
            },
            doubts,
            left_to_app: None,
        };
        if entry.post.loses_caption() {
            entry.doubts.clear();
        }
        entry.left_to_app = left_to_the_app(&entry.post, own);
        entry.doubts.extend(web::other_formats(&entry.post.source));
        entry.doubts.extend(web::page(&entry.post.source));
        entry.doubts.extend(unfilled_names(&entry.post));
        Some(entry)
    }

    /// What a post says, and where it says nothing, what others say: in the order in which they count.
    fn values(&self, own: &Fields) -> FieldValues {
        let given = self.given;
        let values = given.overrule.clone().over(&own.values).over(&given.flags);
        let values = values.over(&self.defaults.values);
        let user = values.text(Field::UserId).or(given.config.text(Field::UserId));
        let of_account = given.accounts.of(user).cloned().unwrap_or_default();
        values.over(&of_account).over(&given.config)
    }

    /// Who names the account, in the order in which the values count.
    fn user_from(&self, own: &Fields) -> UserOrigin {
        let field = Field::UserId;
        if own.place_of(field).is_some() {
            UserOrigin::Post
        } else if self.given.flags.has(field) {
            UserOrigin::CommandLine
        } else if self.defaults.place_of(field).is_some() {
            UserOrigin::Defaults
        } else if self.given.config.has(field) {
            UserOrigin::Config
        } else {
            UserOrigin::Post
        }
    }

    /// Whether somebody is named, but not so that it can be read.
    fn is_user_garbled(&self, own: &Fields) -> bool {
        let speaks = |fields: &Fields| fields.place_of(Field::UserId).is_some();
        let fields = if speaks(own) { own } else { self.defaults };
        fields.is_invalid(Field::UserId)
    }

    /// The source, once it is known that there is exactly one.
    fn source(
        &self,
        own: &Fields,
        values: &FieldValues,
        review: &mut Review<'_>,
    ) -> Option<Source> {
        if let Some(path) = own.values.text(Field::VideoPath) {
            return self.location(path, own, review).map(Source::File);
        }
        if let Some(url) = own.values.text(Field::VideoUrl) {
            return match values.transport().unwrap_or_default() {
                _ if self.is_invalid(Field::Transfer, own) => None,
                Transport::Pull => Some(Source::Url(url.to_owned())),
                Transport::Upload => Some(Source::File(Location::Web(WebAddress::new(url)))),
            };
        }
        let urls = own.values.texts(Field::PhotoUrls)?.to_vec();
        let cover_index = own.values.count(Field::PhotoCoverIndex).unwrap_or(0);
        if !usize::try_from(cover_index).is_ok_and(|index| index < urls.len()) {
            review.field = Some(Field::PhotoCoverIndex);
            let (count, last) = (urls.len(), urls.len().saturating_sub(1));
            review.refuse(
                own.place_of(Field::PhotoCoverIndex).unwrap_or_default(),
                format!(
                    "there is no photo {cover_index}: the {count} given count from 0 to {last}"
                ),
            );
            return None;
        }
        Some(Source::Photos { urls, cover_index })
    }

    /// Where a `video_path` leads: into a store, if it begins as the address of an object.
    fn location(&self, path: &str, own: &Fields, review: &mut Review<'_>) -> Option<Location> {
        let object = match ObjectAddress::of(path) {
            None => return Some(Location::Path(self.folder.join(path))),
            Some(Ok(_)) if !cfg!(feature = "cloud") => Err((
                "this build of tiktok-up reads nothing from stores".to_owned(),
                Some("take a released one, or build it with `--features cloud`".to_owned()),
            )),
            Some(read) => read.map_err(|error| (error.to_string(), None)),
        };
        match object {
            Ok(object) => Some(Location::Object(object)),
            Err((message, hint)) => {
                review.field = Some(Field::VideoPath);
                let at = own.place_of(Field::VideoPath).unwrap_or_default();
                review.advise(at, format!("`{}`: {message}", text::shown(path)), hint);
                None
            }
        }
    }

    /// A text with `{stem}`, `{date}` and `{n}` filled in, where texts are templates; `None` where it is none.
    #[expect(clippy::too_many_arguments, reason = "what a caption is measured with")]
    fn filled(
        &self,
        field: Field,
        text: &str,
        index: usize,
        values: &FieldValues,
        start: usize,
        own: &Fields,
        review: &mut Review<'_>,
    ) -> Option<String> {
        if !self.given.templates {
            return Some(text.to_owned());
        }
        let (stem, number) = (stem(&own.values), (index + 1).to_string());
        let mut known = vec![("stem", stem.as_str()), ("n", &number)];
        // The day of a run would be another one in each: the words of a post that was made stay as they are.
        let date = values.publish_day().map(|day| day.to_string());
        known.extend(date.as_deref().map(|date| ("date", date)));
        match template::fill(text, &known) {
            Ok(filled) => Some(filled),
            Err(unknown) => {
                review.field = Some(field);
                let message = format!("`{}` has no value", text::shown(unknown));
                let hint = if unknown == "{date}" {
                    "it is the day of `publish_at`, which this post does not have"
                } else {
                    "there are `{stem}`, `{n}` and, with a `publish_at`, `{date}`; write `{{` for a brace"
                };
                review.advise(own.place_of(field).unwrap_or(start), message, hint.to_owned());
                None
            }
        }
    }

    /// Says that a post names a slot which is not there.
    fn refuse_unknown_slot(
        &self,
        values: &FieldValues,
        own: &Fields,
        start: usize,
        review: &mut Review<'_>,
    ) {
        let slots = &self.given.slots;
        let Some(name) = values.slot().filter(|name| !slots.contains_key(*name)) else { return };
        let near = nearest(name, slots.keys().map(|known| (known.as_str(), known.as_str())));
        let known: Vec<_> = slots.keys().map(|known| format!("`{NEXT}{known}`")).collect();
        let hint = match near {
            Some(near) => format!("did you mean `{NEXT}{near}`?"),
            None if known.is_empty() => "it has none at all".to_owned(),
            None => format!("there are {}", known.join(", ")),
        };
        review.field = Some(Field::PublishAt);
        let message = format!("config.toml has no `[slots.{}]`", text::shown(name));
        review.advise(own.place_of(Field::PublishAt).unwrap_or(start), message, hint);
    }

    /// Whether the field is there and could not be read.
    fn is_invalid(&self, field: Field, own: &Fields) -> bool {
        own.is_invalid(field) || self.defaults.is_invalid(field)
    }

    /// The words, measured; `None` when they are too long or could not be read.
    fn caption(
        &self,
        kind: Kind,
        index: usize,
        values: &FieldValues,
        start: usize,
        own: &Fields,
        review: &mut Review<'_>,
    ) -> Option<Caption> {
        if Field::WORDS.iter().any(|&field| self.is_invalid(field, own)) {
            return None;
        }
        let mut fill = |field: Field| {
            let text = values.text(field).unwrap_or_default();
            self.filled(field, text, index, values, start, own, review)
        };
        let description = fill(Field::Description)?;
        let title = (kind == Kind::Photos && values.has(Field::Title)).then(|| fill(Field::Title));
        let title = title.map(|filled| filled.ok_or(())).transpose().ok()?;
        let text = caption::text(&description, values.texts(Field::Tags).unwrap_or_default());
        let mut fits = true;
        let mut measure = |text: &str, limit: usize, what: &str, fields: [Field; 2]| {
            let length = caption::units(text);
            if length > limit {
                fits = false;
                let field = fields.into_iter().find(|&field| own.place_of(field).is_some());
                review.field = Some(field.unwrap_or(fields[0]));
                let at = field.and_then(|field| own.place_of(field)).unwrap_or(start);
                let message = format!("{what} has {length} UTF-16 units; TikTok takes {limit}");
                review.advise(at, message, "most emoji count two".to_owned());
            }
        };
        let fields = [Field::Description, Field::Tags];
        match kind {
            Kind::Video => measure(&text, caption::VIDEO_LIMIT, "the caption", fields),
            Kind::Photos => {
                measure(&text, caption::PHOTO_LIMIT, "the description with its tags", fields);
                let title = title.as_deref().unwrap_or_default();
                measure(title, caption::PHOTO_TITLE_LIMIT, "the title", [Field::Title; 2]);
            }
        }
        fits.then_some(Caption { title, text })
    }
}

/// What the file of a post is called, without its extension.
fn stem(own: &FieldValues) -> String {
    let url =
        own.text(Field::VideoUrl).or_else(|| Some(own.texts(Field::PhotoUrls)?.first()?.as_str()));
    let url = url.map(|url| url.split(['?', '#']).next().unwrap_or_default());
    let path = own.text(Field::VideoPath).or(url).unwrap_or_default();
    Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The kind of the one source of a post; anything but one is a problem.
fn one_source(start: usize, own: &Fields, review: &mut Review<'_>) -> Option<Kind> {
    let mut sources = Field::SOURCES.into_iter().filter(|&field| own.place_of(field).is_some());
    let first = sources.next();
    let mut others = sources.filter_map(|field| own.place_of(field).map(|at| (field, at)));
    let Some(first) = first else {
        // The misspelt key is a problem already; this would be the same one again.
        if !own.has_misspelt_source {
            let message = "a post needs one of `video_path`, `video_url` and `photo_urls`";
            review.field = None;
            review.refuse(start, message);
        }
        return None;
    };
    if let Some((other, at)) = others.next() {
        review.field = Some(other);
        let message = format!("a post has one source, and `{}` is given too", first.name());
        review.refuse(at, message);
        return None;
    }
    Some(if first == Field::PhotoUrls { Kind::Photos } else { Kind::Video })
}

/// Fields of the post itself that its kind of content cannot have. The same in the defaults are
/// meant for other posts.
fn refuse_what_does_not_go_with(kind: Kind, own: &Fields, review: &mut Review<'_>) {
    for (field, at) in own.given() {
        review.field = Some(field);
        match kind {
            Kind::Video if field == Field::Title => {
                let hint = "the caption of a video goes into `description`".to_owned();
                review.advise(at, "only photos have this", hint);
            }
            Kind::Video if field.is_for_photos() => review.refuse(at, "only photos have this"),
            Kind::Photos if field.is_for_videos() => review.refuse(at, "only videos have this"),
            Kind::Video if field == Field::Transfer && own.place_of(Field::VideoUrl).is_none() => {
                review.refuse(at, "only a `video_url` has this");
            }
            _ => {}
        }
    }
}

/// That the `id` or an address of a post holds what was to be replaced.
fn unfilled_names(post: &Post) -> Vec<String> {
    let field = match post.source {
        Source::Photos { .. } => Field::PhotoUrls,
        _ => Field::VideoUrl,
    };
    let id = post.id.iter().filter_map(|id| Some((Field::Id, template::unfilled_in_name(id)?)));
    let urls = post.source.urls().iter();
    let urls = urls.filter_map(|url| Some((field, template::unfilled_in_address(url)?)));
    let words = |(field, piece): (Field, &str)| {
        format!("in its `{}` {}", field.name(), template::words(piece))
    };
    id.chain(urls).map(words).collect()
}

/// That a draft goes without settings that its post itself gives; those of other origins are meant for direct
/// posts as well. What is switched off needs no word, and the caption has one of its own.
fn left_to_the_app(post: &Post, own: &Fields) -> Option<String> {
    let init = post.init_kind();
    let lost = own.given().map(|(field, _)| field).filter(|&field| {
        post.mode == Mode::Draft
            && !field.is_taken_by(init)
            && !Field::WORDS.contains(&field)
            && own.values.has(field)
            && own.values.flag(field) != Some(false)
    });
    let names: Vec<_> = lost.map(|field| format!("`{}`", field.name())).collect();
    let (end, others) = names.split_last()?;
    let (names, them) = match others {
        [] => (end.clone(), "it"),
        _ => (format!("{} and {end}", others.join(", ")), "them"),
    };
    Some(format!(
        "TikTok takes no {names} with this draft; set {them} in the TikTok app when the draft is finished"
    ))
}

/// A paid partnership cannot be posted for nobody to see. A draft's visibility is chosen in the app. What
/// `is_invalid` could not be read, so that nothing is known of it.
///
/// <https://developers.tiktok.com/doc/content-sharing-guidelines>
fn refuse_private_branding(
    values: &FieldValues,
    start: usize,
    own: &Fields,
    is_invalid: impl Fn(Field) -> bool,
    review: &mut Review<'_>,
) {
    let direct = values.mode().unwrap_or_default() == Mode::Direct;
    let private = values.privacy().is_none_or(Privacy::is_private);
    let unknown = is_invalid(Field::PrivacyLevel) || is_invalid(Field::Mode);
    if values.flag(Field::BrandContentToggle) != Some(true) || !direct || !private || unknown {
        return;
    }
    review.field = Some(Field::BrandContentToggle);
    let hint = match values.privacy() {
        Some(_) => "choose a wider `privacy_level`",
        None => "without a `privacy_level` the post would be `SELF_ONLY`; choose a wider one",
    };
    let at = own.place_of(Field::BrandContentToggle).unwrap_or(start);
    let message = "Branded content visibility cannot be set to private.";
    review.advise(at, message, hint.to_owned());
}
