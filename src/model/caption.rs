//! The words of a post: description and tags made into a caption, measured as TikTok measures.

use thiserror::Error;

/// The words of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Caption {
    /// Photos only: `title` of `post_info`, at most [`PHOTO_TITLE_LIMIT`] UTF-16 units.
    pub(crate) title: Option<String>,
    /// Description and tags. A video's `title` in `post_info`, at most [`VIDEO_LIMIT`] UTF-16
    /// units; photos' `description`, at most [`PHOTO_LIMIT`]. Empty when there are none.
    pub(crate) text: String,
}

impl Caption {
    /// Whether there are no words at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.title.as_ref().is_none_or(String::is_empty)
    }
}

/// The longest caption of a video, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>
pub(crate) const VIDEO_LIMIT: usize = 2200;

/// The longest title of photos, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
pub(crate) const PHOTO_TITLE_LIMIT: usize = 90;

/// The longest description of photos, tags included, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
pub(crate) const PHOTO_LIMIT: usize = 4000;

/// Why a text cannot be a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TagError {
    /// Nothing is left without the leading `#`.
    #[error("a tag cannot be empty")]
    Empty,
    /// TikTok ends a tag at the first space or line break.
    #[error("a tag cannot contain white space")]
    Space,
    /// TikTok knows tags by the white space around them, so two run together would be none.
    #[error("a tag cannot contain `#` after its beginning")]
    Hash,
}

/// Length as TikTok counts it: in UTF-16 code units, so that most emoji count two.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A tag with exactly one leading `#`, whether it was written with none, one or several.
pub(crate) fn tag(written: &str) -> Result<String, TagError> {
    let bare = written.trim_start_matches('#');
    if bare.is_empty() {
        return Err(TagError::Empty);
    }
    if bare.contains(char::is_whitespace) {
        return Err(TagError::Space);
    }
    if bare.contains('#') {
        return Err(TagError::Hash);
    }
    Ok(format!("#{bare}"))
}

/// The description as it was written, a space, and the tags joined by spaces; without the space
/// when there is only one of the two.
///
/// The tags are those that [`tag`] returned.
pub(crate) fn text(description: &str, tags: &[String]) -> String {
    let tags = tags.join(" ");
    match (description.is_empty(), tags.is_empty()) {
        (true, _) => tags,
        (_, true) => description.to_owned(),
        (false, false) => format!("{description} {tags}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tags(written: &[&str]) -> Vec<String> {
        written.iter().map(|tag| super::tag(tag).unwrap()).collect()
    }

    #[test]
    fn description_and_tags_are_joined_by_single_spaces() {
        assert_eq!(text("Two cats", &tags(&["cat", "#pets"])), "Two cats #cat #pets");
    }

    #[test]
    fn nothing_is_joined_to_nothing() {
        assert_eq!(text("", &[]), "");
        assert_eq!(text("Two cats", &[]), "Two cats");
        assert_eq!(text("", &tags(&["cat", "pets"])), "#cat #pets");
    }

    #[test]
    fn the_description_is_left_as_it_was_written() {
        assert_eq!(text(" Two\n\ncats ", &tags(&["cat"])), " Two\n\ncats  #cat");
    }

    #[test]
    fn a_tag_has_one_hash_however_many_were_written() {
        for written in ["cat", "#cat", "###cat"] {
            assert_eq!(tag(written), Ok("#cat".to_owned()), "{written}");
        }
    }

    #[test]
    fn what_tiktok_would_not_take_as_one_tag_is_refused() {
        for (written, error) in [
            ("", TagError::Empty),
            ("#", TagError::Empty),
            ("##", TagError::Empty),
            (" ", TagError::Space),
            (" cat", TagError::Space),
            ("two cats", TagError::Space),
            ("two\u{a0}cats", TagError::Space),
            ("cat\n", TagError::Space),
            ("cat#pets", TagError::Hash),
            ("cat#", TagError::Hash),
        ] {
            assert_eq!(tag(written), Err(error), "{written:?}");
        }
    }

    #[test]
    fn units_are_those_of_utf_16() {
        for (text, count) in [("", 0), ("cat", 3), ("café", 4), ("猫", 1), ("😀", 2), ("👨‍👩‍👧", 8)]
        {
            assert_eq!(units(text), count, "{text}");
        }
    }

    #[test]
    fn a_caption_is_empty_without_any_words() {
        assert!(Caption::default().is_empty());
        assert!(Caption { title: Some(String::new()), ..Caption::default() }.is_empty());
        assert!(!Caption { title: Some("a".into()), ..Caption::default() }.is_empty());
        assert!(!Caption { title: None, text: "a".into() }.is_empty());
    }

    proptest! {
        #[test]
        fn characters_beyond_the_basic_plane_count_two(text in any::<String>()) {
            let pairs = text.chars().filter(|&c| u32::from(c) > 0xffff).count();
            prop_assert_eq!(units(&text), text.chars().count() + pairs);
        }

        #[test]
        fn making_a_tag_of_a_tag_changes_nothing(written in any::<String>()) {
            if let Ok(once) = tag(&written) {
                prop_assert_eq!(tag(&once), Ok(once));
            }
        }

        #[test]
        fn a_tag_is_one_hash_and_then_none(written in "#{0,3}[^\\s]{0,8}") {
            if let Ok(tag) = tag(&written) {
                prop_assert!(tag.starts_with('#') && tag.len() > 1);
                prop_assert_eq!(tag.matches('#').count(), 1);
                prop_assert_eq!(&tag[1..], written.trim_start_matches('#'));
            }
        }

        #[test]
        fn the_tags_can_be_read_back_from_the_caption(
            description in "[a-z😀 ]{0,20}",
            written in prop::collection::vec("#?[a-z猫😀]{1,8}", 0..6),
        ) {
            let tags: Vec<String> = written.iter().map(|it| tag(it).unwrap()).collect();
            let caption = text(&description, &tags);
            prop_assert!(caption.starts_with(&description));
            let found: Vec<&str> =
                caption[description.len()..].split(' ').filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(found, tags);
        }

        #[test]
        fn a_caption_is_as_long_as_its_parts_and_the_spaces_between(
            description in any::<String>(),
            written in prop::collection::vec("[a-z😀]{1,8}", 0..6),
        ) {
            let tags: Vec<String> = written.iter().map(|it| tag(it).unwrap()).collect();
            let parts = usize::from(!description.is_empty()) + tags.len();
            let sum = units(&description) + tags.iter().map(|tag| units(tag)).sum::<usize>();
            prop_assert_eq!(units(&text(&description, &tags)), sum + parts.saturating_sub(1));
        }
    }
}
