//! The fields that one object of the file gives, each read by its type.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::field::Field;
use super::review::Review;
use super::value;
use crate::model::{Mode, Part, Preferences};
use crate::tiktok::privacy::Privacy;

/// What a post or `defaults` says; `None` where it says nothing or nothing that can be read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Where the value of each field lies that was given, readable or not.
    given: BTreeMap<Field, usize>,
    /// Whether an unknown key seems to mean a source.
    pub(super) has_misspelt_source: bool,
    pub(super) user_id: Option<String>,
    pub(super) video_path: Option<String>,
    pub(super) video_url: Option<String>,
    pub(super) photo_urls: Option<Vec<String>>,
    pub(super) photo_cover_index: Option<u32>,
    pub(super) auto_add_music: Option<bool>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) mode: Option<Mode>,
    pub(super) privacy_level: Option<Privacy>,
    pub(super) disable_comment: Option<bool>,
    pub(super) disable_duet: Option<bool>,
    pub(super) disable_stitch: Option<bool>,
    pub(super) video_cover_timestamp_ms: Option<i32>,
    pub(super) brand_content_toggle: Option<bool>,
    pub(super) brand_organic_toggle: Option<bool>,
    pub(super) is_aigc: Option<bool>,
    pub(super) publish_at: Option<Timestamp>,
    pub(super) id: Option<String>,
}

impl Fields {
    /// Reads an object; `part` says which one.
    pub(super) fn read(object: &Object<'_>, part: Part, review: &mut Review<'_>) -> Self {
        let mut fields = Self::default();
        let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
        for property in &object.properties {
            let (key, at) = (property.name.as_str(), property.name.start());
            (review.part, review.field) = (part, Field::named(key));
            if let Some(&first) = keys.get(key) {
                let (line, column) = review.locate(first);
                let first = format!("the first is on line {line}, column {column}");
                review.refuse_key(at, key, "given twice", Some(first));
                continue;
            }
            keys.insert(key, at);
            match review.field {
                Some(field) if part == Part::Defaults && field.is_one_posts_own() => {
                    review.refuse(at, "cannot be a default, as it belongs to one post");
                }
                Some(field) => {
                    fields.given.insert(field, property.value.start());
                    fields.read_one(field, &property.value, review);
                }
                None => fields.refuse_unknown(key, at, review),
            }
        }
        (review.part, review.field) = (part, None);
        fields
    }

    fn read_one(&mut self, field: Field, value: &Value<'_>, review: &mut Review<'_>) {
        match field {
            Field::UserId => self.user_id = value::user(value, review),
            Field::VideoPath => self.video_path = value::path(value, review),
            Field::VideoUrl => self.video_url = value::url(value, review),
            Field::PhotoUrls => self.photo_urls = value::photo_urls(value, review),
            Field::PhotoCoverIndex => self.photo_cover_index = value::photo_index(value, review),
            Field::AutoAddMusic => self.auto_add_music = value::flag(value, review),
            Field::Title => self.title = value::text(value, review),
            Field::Description => self.description = value::text(value, review),
            Field::Tags => self.tags = value::tags(value, review),
            Field::Mode => self.mode = value::mode(value, review),
            Field::PrivacyLevel => self.privacy_level = value::privacy(value, review),
            Field::DisableComment => self.disable_comment = value::flag(value, review),
            Field::DisableDuet => self.disable_duet = value::flag(value, review),
            Field::DisableStitch => self.disable_stitch = value::flag(value, review),
            Field::VideoCoverTimestampMs => {
                self.video_cover_timestamp_ms = value::milliseconds(value, review);
            }
            Field::BrandContentToggle => self.brand_content_toggle = value::flag(value, review),
            Field::BrandOrganicToggle => self.brand_organic_toggle = value::flag(value, review),
            Field::IsAigc => self.is_aigc = value::flag(value, review),
            Field::PublishAt => self.publish_at = value::instant(value, review),
            Field::Id => self.id = value::id(value, review),
        }
    }

    fn refuse_unknown(&mut self, key: &str, at: usize, review: &mut Review<'_>) {
        let meant = Field::meant_by(key);
        self.has_misspelt_source |= meant.is_some_and(|field| Field::SOURCES.contains(&field));
        let hint = meant.map(|field| format!("did you mean `{}`?", field.name()));
        review.refuse_key(at, key, "no such field", hint);
    }

    /// What of it is a preference, which other origins may have too.
    pub(super) fn preferences(&self) -> Preferences {
        Preferences {
            user: self.user_id.clone(),
            mode: self.mode,
            privacy: self.privacy_level,
            disable_comment: self.disable_comment,
            disable_duet: self.disable_duet,
            disable_stitch: self.disable_stitch,
            brand_content: self.brand_content_toggle,
            brand_organic: self.brand_organic_toggle,
            is_aigc: self.is_aigc,
            auto_add_music: self.auto_add_music,
        }
    }

    /// Where the value of a field lies, if it was given at all.
    pub(super) fn place_of(&self, field: Field) -> Option<usize> {
        self.given.get(&field).copied()
    }

    /// Whether a field was given but could not be read.
    pub(super) fn is_garbled(&self, field: Field) -> bool {
        let read = match field {
            Field::UserId => self.user_id.is_some(),
            Field::Title => self.title.is_some(),
            Field::Description => self.description.is_some(),
            Field::Tags => self.tags.is_some(),
            Field::Mode => self.mode.is_some(),
            Field::PrivacyLevel => self.privacy_level.is_some(),
            _ => return false,
        };
        !read && self.given.contains_key(&field)
    }

    /// The fields that were given, with the places of their values.
    pub(super) fn given(&self) -> impl Iterator<Item = (Field, usize)> {
        self.given.iter().map(|(&field, &at)| (field, at))
    }
}
