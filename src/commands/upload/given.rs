//! The posts that the command line or a folder gives. They are written as a manifest would have them, so that the same
//! table of fields reads them, and what is wrong is said of the option or the sidecar that it came from.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tiktok_open::Privacy;

use super::input::{Input, InputError};
use super::sidecar::{
    Asked, LARGEST, Sidecar, VIDEOS, caption, extension, near_sidecars, shared, sidecar_of,
    sidecars,
};
use crate::cli::PostArgs;
use crate::model::{Diagnostic, Diagnostics, Field, Part};
use crate::source::VideoFile;
use crate::text::{self, chain};

/// How the names of videos end that TikTok does not take.
const OTHER_VIDEOS: [&str; 12] =
    ["3gp", "avi", "flv", "m2ts", "mkv", "mpeg", "mpg", "mts", "ogv", "qt", "ts", "wmv"];

/// What word processors and phones make of hyphens.
const DASHES: [char; 4] = ['\u{2010}', '\u{2013}', '\u{2014}', '\u{2212}'];

/// How the posts are called when they are talked about together.
const NAME: &str = "the command line";

/// The options that give fields of a post, as the command line has them.
const OPTIONS: &[(Field, &str)] = &[
    (Field::UserId, "--account"),
    (Field::VideoUrl, "--url"),
    (Field::Transfer, "--transfer"),
    (Field::PhotoUrls, "--photo"),
    (Field::PhotoCoverIndex, "--cover-photo"),
    (Field::AutoAddMusic, "--auto-add-music"),
    (Field::Title, "--title"),
    (Field::Description, "--caption"),
    (Field::Tags, "--tag"),
    (Field::Mode, "--draft"),
    (Field::PrivacyLevel, "--privacy"),
    (Field::DisableComment, "--disable-comment"),
    (Field::DisableDuet, "--disable-duet"),
    (Field::DisableStitch, "--disable-stitch"),
    (Field::VideoCoverTimestampMs, "--cover"),
    (Field::BrandContentToggle, "--brand-content"),
    (Field::BrandOrganicToggle, "--brand-organic"),
    (Field::IsAigc, "--aigc"),
    (Field::SkipMediaCheck, "--skip-media-check"),
    (Field::PublishAt, "--at"),
    (Field::Id, "--id"),
];

/// Where the fields of the posts come from, if it is not a manifest.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The sidecars, by the place of the post and the field.
    sidecars: HashMap<(usize, String), String>,
    /// What lies there and is left out, in a sentence each.
    pub(super) left_out: Vec<String>,
}

/// The posts of a command line, as a manifest would have them.
pub(super) fn read(args: &PostArgs) -> Result<(Input, Origins), InputError> {
    if args.id.is_some() && args.files.len() > 1 {
        return Err(InputError::Options("`--id` names one post, and several files are given"));
    }
    args.files.iter().try_for_each(|file| may_be_video(file))?;
    let common = of_options(args)?;
    let mut origins = Origins::default();
    let mut posts = Vec::new();
    if !args.no_sidecar {
        origins.left_out = near_sidecars(&args.files, Asked::Files)?;
        origins.left_out.extend(shared(&args.files));
    }
    let mut sidecars = sidecars(&args.files, !args.no_sidecar)?.into_iter();
    for (index, file) in args.files.iter().enumerate() {
        let mut post = origins.add(index, sidecars.next().flatten());
        for (key, value) in &common {
            // Nobody sees more than either of them says.
            if *key == Field::PrivacyLevel.name() && is_narrower(post.get(key), value) {
                continue;
            }
            origins.sidecars.remove(&(index, key.clone()));
            post.insert(key.clone(), value.clone());
        }
        post.insert(Field::VideoPath.name().to_owned(), text_of(file)?.into());
        posts.push(Value::Object(post));
    }
    if posts.is_empty() {
        posts.push(Value::Object(common));
    }
    let text = Value::Array(posts).to_string().into_bytes();
    Ok((Input { text, folder: PathBuf::new(), name: NAME.to_owned() }, origins))
}

/// An error for what belongs to another command, or to an option.
fn may_be_video(file: &Path) -> Result<(), InputError> {
    let shown = text::shown(&file.display().to_string());
    let command = |what: &str| {
        let named = text::quoted(file);
        InputError::Elsewhere(format!(
            "`{shown}` is {what}: `tiktok-up upload {named}` posts what it holds"
        ))
    };
    let lower = shown.to_ascii_lowercase();
    match extension(file).as_deref() {
        _ if lower.starts_with("https://") || lower.starts_with("http://") => {
            Err(InputError::Elsewhere(format!(
                "`{shown}` is an address: `--url` posts a video by its address"
            )))
        }
        _ if shown.starts_with(DASHES) && !file.exists() => Err(InputError::Elsewhere(format!(
            "`{shown}` begins with a dash that is no hyphen: an option is written `--{}`",
            shown.trim_start_matches(DASHES).trim_start_matches('-')
        ))),
        _ if file.is_dir() => Err(command("a directory")),
        _ if let Some(video) = sidecar_of(file) => Err(InputError::Elsewhere(format!(
            "`{shown}` is the sidecar of {}, and is read with it: leave it out",
            text::quoted(&video)
        ))),
        Some("json" | "jsonl" | "csv") if file.is_file() => Err(command("a list of posts")),
        _ => Ok(()),
    }
}

/// Whether a sidecar's privacy level is narrower than the option's.
fn is_narrower(own: Option<&Value>, option: &Value) -> bool {
    let level = |value: &Value| value.as_str()?.parse::<Privacy>().ok();
    own.and_then(level).zip(level(option)).is_some_and(|(own, option)| option.is_wider_than(own))
}

/// The videos of a folder, by their names, each with its sidecar.
pub(super) fn of_folder(folder: &Path) -> Result<(Input, Origins), InputError> {
    let name = format!("`{}`", text::shown(&folder.display().to_string()));
    let name = name.as_str();
    let failed = |source| InputError::Io { name: name.to_owned(), path: folder.to_owned(), source };
    let (mut videos, mut lists, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = folder.join(entry.map_err(failed)?.file_name());
        let is_hidden = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
        match extension(&path).as_deref() {
            _ if is_hidden => {}
            Some(extension) if VIDEOS.contains(&extension) => videos.push(path),
            Some("json" | "jsonl" | "csv") => lists.push(path),
            Some(extension) if OTHER_VIDEOS.contains(&extension) => others.push(path),
            _ => {}
        }
    }
    videos.sort();
    let stems: HashSet<_> = videos.iter().map(|video| video.with_extension("")).collect();
    let is_sidecar = |path: &PathBuf| {
        extension(path).as_deref() == Some("json") && stems.contains(&path.with_extension(""))
    };
    let near = near_sidecars(&videos, Asked::Folder)?;
    if let Some(list) = lists.into_iter().filter(|list| !is_sidecar(list)).min() {
        let begin =
            list.file_name().map(|name| text::shown(&name.to_string_lossy()) + " is no sidecar");
        if let Some(near) = begin.and_then(|begin| near.iter().find(|it| it.starts_with(&begin))) {
            return Err(InputError::Elsewhere(format!("{near}; move it elsewhere if it is none")));
        }
        return Err(InputError::FolderWithList { name: name.to_owned(), list });
    }
    others.sort();
    let mut origins = Origins::default();
    origins.left_out.extend(left_out(name, &others));
    origins.left_out.extend(near);
    origins.left_out.extend(shared(&videos));
    let mut posts = Vec::new();
    let mut sidecars = sidecars(&videos, true)?.into_iter();
    for (index, video) in videos.iter().enumerate() {
        let mut post = origins.add(index, sidecars.next().flatten());
        let file = video.strip_prefix(folder).unwrap_or(video);
        post.insert(Field::VideoPath.name().to_owned(), text_of(file)?.into());
        posts.push(Value::Object(post));
    }
    let text = Value::Array(posts).to_string().into_bytes();
    let (folder, name) = (folder.to_owned(), name.to_owned());
    Ok((Input { text, folder, name }, origins))
}

/// That videos of a folder are not posted.
fn left_out(folder: &str, others: &[PathBuf]) -> Option<String> {
    let first = others.first()?.file_name()?.to_string_lossy();
    let more = match others.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "of {folder} {}{more} is not posted: TikTok takes .mp4, .m4v, .mov and .webm",
        text::shown(&first)
    ))
}

/// A path as a manifest could have it.
fn text_of(path: &Path) -> Result<&str, InputError> {
    path.to_str().ok_or_else(|| {
        let path = text::quoted(path);
        InputError::Elsewhere(format!(
            "{path}: a path that is not UTF-8 cannot be posted: rename the file"
        ))
    })
}

/// What the options say of every post.
fn of_options(args: &PostArgs) -> Result<Map<String, Value>, InputError> {
    let caption = match &args.caption_file {
        Some(path) => Some(caption_in(path)?),
        None => args.caption.clone(),
    };
    let flag = |on: bool| on.then_some(Value::Bool(true));
    let list = |texts: &Vec<String>| (!texts.is_empty()).then(|| json!(texts));
    let run = &args.run;
    let fields = [
        (Field::UserId, run.account.as_ref().map(|it| json!(it))),
        (Field::VideoUrl, args.url.as_ref().map(|it| json!(it))),
        (Field::Transfer, args.transfer.as_ref().map(|it| json!(it))),
        (Field::PhotoUrls, list(&args.photos)),
        (Field::PhotoCoverIndex, args.cover_photo.map(|it| json!(it))),
        (Field::AutoAddMusic, flag(args.auto_add_music)),
        (Field::Title, args.title.as_ref().map(|it| json!(it))),
        (Field::Description, caption.map(|it| json!(it))),
        (Field::Tags, list(&args.tags)),
        (Field::PrivacyLevel, run.privacy.map(|it| json!(it.as_str()))),
        (Field::DisableComment, flag(args.disable_comment)),
        (Field::DisableDuet, flag(args.disable_duet)),
        (Field::DisableStitch, flag(args.disable_stitch)),
        (Field::VideoCoverTimestampMs, args.cover.map(|it| json!(it))),
        (Field::BrandContentToggle, flag(args.brand_content)),
        (Field::BrandOrganicToggle, flag(args.brand_organic)),
        (Field::IsAigc, flag(args.aigc)),
        (Field::PublishAt, args.at.as_ref().map(|it| json!(it))),
        (Field::Id, args.id.as_ref().map(|it| json!(it))),
    ];
    let given = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
    Ok(given.map(|(field, value)| (field.name().to_owned(), value)).collect())
}

/// The words in a file, without the line end that editors put behind them.
fn caption_in(path: &Path) -> Result<String, InputError> {
    let name = || format!("`{}`", text::shown(&path.display().to_string()));
    let failed = |source| InputError::Io { name: name(), path: path.to_owned(), source };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let unusable = |error| {
            InputError::Elsewhere(format!(
                "the caption of `--caption-file` cannot be read: {}",
                chain(&error)
            ))
        };
        let file = VideoFile::open(path).map_err(unusable)?.into_file();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    caption(bytes)
        .map_err(|what| InputError::Elsewhere(format!("the caption of `--caption-file`: {what}")))
}

impl Origins {
    /// Takes in the fields of the post at a place that its sidecar gives.
    fn add(&mut self, index: usize, sidecar: Option<Sidecar>) -> Map<String, Value> {
        let Some(Sidecar { path, fields }) = sidecar else { return Map::new() };
        let path = path.display().to_string();
        let keys = fields.keys().map(|key| ((index, key.clone()), path.clone()));
        self.sidecars.extend(keys);
        fields
    }

    /// The same problems, said of the option or the sidecar that each is about. What is wrong with an option is said
    /// once, however many posts it is for.
    pub(super) fn of(&self, problems: &Diagnostics) -> Diagnostics {
        let mut told = Vec::<Diagnostic>::new();
        for problem in problems {
            let problem = self.of_one(problem);
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        told.into_iter().collect()
    }

    /// A message about an `id` that another post has, which has no place of its own.
    fn with_sidecar(&self, own: &str, message: &str, name: &str) -> String {
        let other = message.strip_prefix("the same as that of post ").and_then(|rest| {
            let (number, place) = rest.split_once(" on line ")?;
            let index = number.parse::<usize>().ok()?.checked_sub(1)?;
            let behind = place.find(" (").and_then(|at| place.get(at..)).unwrap_or_default();
            let sidecar = self.sidecars.get(&(index, name.to_owned()))?;
            Some(if own == sidecar {
                "it lies beside two videos, which both have it: call one of them otherwise"
                    .to_owned()
            } else {
                format!("the same as that of {sidecar}{behind}")
            })
        });
        other.unwrap_or_else(|| message.to_owned())
    }

    fn of_one(&self, problem: &Diagnostic) -> Diagnostic {
        let Diagnostic { part, field, message, hint, .. } = problem.clone();
        let none =
            Diagnostic { line: 0, column: 0, part, field: None, message: String::new(), hint };
        let (Part::Post(index), Some(name)) = (part, &field) else {
            let part = if matches!(part, Part::Post(_)) { Part::Given } else { part };
            return Diagnostic { part, field, message, ..none };
        };
        let none = Diagnostic { part: Part::Given, ..none };
        if let Some(sidecar) = self.sidecars.get(&(index, name.clone())) {
            let message = self.with_sidecar(sidecar, &message, name);
            let message = format!("field `{name}`: {message}");
            return Diagnostic { field: Some(sidecar.clone()), message, ..none };
        }
        let field = Field::named(name);
        let option = OPTIONS.iter().find(|(known, _)| Some(*known) == field);
        let hint = match (field, &none.hint) {
            (Some(Field::Tags), Some(_)) => Some("give each tag a `--tag` of its own".to_owned()),
            (_, hint) => hint.as_deref().map(in_options),
        };
        let option = option.map(|(_, option)| (*option).to_owned());
        Diagnostic { field: option, message: in_options(&message), hint, ..none }
    }
}

/// Words about a manifest's fields, as those of options.
fn in_options(words: &str) -> String {
    let named = |words: String, (field, option): (Field, &str)| {
        words.replace(&format!("`{}`", field.name()), &format!("`{option}`"))
    };
    let all = OPTIONS.iter().copied().chain([(Field::VideoPath, "FILE")]);
    all.fold(words.to_owned(), named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_but_the_file_has_an_option() {
        for &field in Field::ALL {
            let has_one = OPTIONS.iter().any(|(known, _)| *known == field);
            assert_eq!(has_one, field != Field::VideoPath, "{}", field.name());
        }
    }
}
