//! The JSON Schema of manifests, made of the table of fields.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::fields::SCHEMA;
use crate::model::fields::{MAX_ID, MAX_PHOTOS};
use crate::model::{Field, FieldType, Mode, Transport};
use tiktok_open::Privacy;

/// A JSON value whose members stay in their order.
enum Json {
    Number(u64),
    Text(&'static str),
    Owned(String),
    Flag(bool),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Owned(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(list) => serializer.collect_seq(list),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// A JSON Schema of manifests, for editors; what it cannot say, [`examine`](super::examine) does.
///
/// `src/manifest/schema.json` is the same text, for people who point their editor at it.
pub(crate) fn schema() -> String {
    let posts = || {
        Json::Object(vec![
            ("type", Json::Text("array")),
            ("items", Json::Object(vec![("$ref", Json::Text("#/$defs/post"))])),
        ])
    };
    let (own, shared): (Vec<Field>, Vec<Field>) =
        Field::ALL.iter().partition(|field| field.is_one_posts_own());
    let references = || shared.iter().map(|field| (field.name(), reference(*field)));
    let address = || (SCHEMA, Json::Object(vec![("type", Json::Text("string"))]));
    let own = own.iter().map(|field| (field.name(), definition(*field)));
    let properties = [address()].into_iter().chain(own).chain(references());
    let post = Json::Object(vec![
        ("type", Json::Text("object")),
        ("properties", Json::Object(properties.collect())),
        ("additionalProperties", Json::Flag(false)),
        ("oneOf", Json::List(Field::SOURCES.map(|field| required(field.name())).into())),
    ]);
    let defaults = Json::Object(vec![
        ("description", Json::Text("What applies to posts that do not say it themselves.")),
        ("type", Json::Text("object")),
        ("properties", Json::Object([address()].into_iter().chain(references()).collect())),
        ("additionalProperties", Json::Flag(false)),
    ]);
    let outermost = Json::Object(vec![
        ("type", Json::Text("object")),
        (
            "properties",
            Json::Object(vec![
                address(),
                ("defaults", Json::Object(vec![("$ref", Json::Text("#/$defs/defaults"))])),
                ("posts", posts()),
            ]),
        ),
        ("required", Json::List(vec![Json::Text("posts")])),
        ("additionalProperties", Json::Flag(false)),
    ]);
    let definitions = [("post", post), ("defaults", defaults)]
        .into_iter()
        .chain(shared.iter().map(|field| (field.name(), definition(*field))));
    let schema = Json::Object(vec![
        ("$schema", Json::Text("https://json-schema.org/draft/2020-12/schema")),
        ("title", Json::Text("tiktok-up manifest")),
        (
            "description",
            Json::Text(
                "What `tiktok-up upload` posts: a list of posts, or an object with `defaults` for all \
                 of them and `posts`.",
            ),
        ),
        ("oneOf", Json::List(vec![posts(), outermost])),
        ("$defs", Json::Object(definitions.collect())),
    ]);
    // Texts, numbers and lists of them always serialize.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn required(name: &'static str) -> Json {
    Json::Object(vec![("required", Json::List(vec![Json::Text(name)]))])
}

fn reference(field: Field) -> Json {
    Json::Object(vec![("$ref", Json::Owned(format!("#/$defs/{}", field.name())))])
}

fn definition(field: Field) -> Json {
    let mut members = vec![("description", Json::Text(field.description()))];
    members.extend(type_of(field.value_type()));
    Json::Object(members)
}

/// What a schema says of a type and its bounds.
fn type_of(value_type: FieldType) -> Vec<(&'static str, Json)> {
    let named = |name| ("type", Json::Text(name));
    let number = |key, number: u64| (key, Json::Number(number));
    match value_type {
        FieldType::Flag => vec![named("boolean")],
        FieldType::Count { most } => {
            vec![named("integer"), number("minimum", 0), number("maximum", most.into())]
        }
        FieldType::PhotoIndex => vec![
            named("integer"),
            number("minimum", 0),
            number("maximum", u64::from(MAX_PHOTOS) - 1),
            number("default", 0),
        ],
        FieldType::Text { longest: None } => vec![named("string")],
        FieldType::Text { longest: Some(longest) } => {
            vec![named("string"), number("maxLength", longest as u64)]
        }
        FieldType::Account | FieldType::Path => vec![named("string"), number("minLength", 1)],
        FieldType::Url => vec![
            named("string"),
            ("format", Json::Text("uri")),
            ("pattern", Json::Text("^[Hh][Tt][Tt][Pp][Ss]://")),
        ],
        FieldType::Urls => vec![
            named("array"),
            number("minItems", 1),
            number("maxItems", MAX_PHOTOS.into()),
            ("items", Json::Object(type_of(FieldType::Url))),
        ],
        FieldType::Tags => vec![
            named("array"),
            ("items", Json::Object(vec![named("string"), ("pattern", Json::Text("^#*[^#\\s]+$"))])),
        ],
        FieldType::Mode => vec![
            ("enum", Json::List(Mode::ALL.map(|mode| Json::Text(mode.as_str())).into())),
            ("default", Json::Text(Mode::default().as_str())),
        ],
        FieldType::Privacy => {
            vec![("enum", Json::List(Privacy::ALL.map(|level| Json::Text(level.as_str())).into()))]
        }
        FieldType::Transport => vec![
            ("enum", Json::List(Transport::ALL.map(|way| Json::Text(way.as_str())).into())),
            ("default", Json::Text(Transport::default().as_str())),
        ],
        FieldType::Moment => {
            let time = Json::Object(vec![("format", Json::Text("date-time"))]);
            let slot = Json::Object(vec![("pattern", Json::Text("^next:."))]);
            vec![named("string"), ("anyOf", Json::List(vec![time, slot]))]
        }
        FieldType::Id => {
            vec![named("string"), number("minLength", 1), number("maxLength", MAX_ID as u64)]
        }
    }
}
