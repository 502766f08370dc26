//! The structure that ARCHITECTURE.md draws, held against the `use` lines of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each module of the program may import besides the leaves and the crates of this workspace.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["lib"]),
    ("lib", &["cli", "commands", "output", "runtime", "settings"]),
    (
        "commands",
        &[
            "api", "auth", "cli", "console", "engine", "hooks", "manifest", "model", "output",
            "settings", "source", "store",
        ],
    ),
    ("console", &[]),
    ("output", &["auth", "engine", "model"]),
    ("engine", &["api", "limits", "model", "source", "store"]),
    ("auth", &["api", "model", "store"]),
    ("hooks", &["model", "source"]),
    ("settings", &["api", "model"]),
    ("cli", &["model"]),
    ("manifest", &["model"]),
    ("store", &["model"]),
    ("limits", &[]),
    ("source", &["model"]),
    ("api", &["model"]),
    ("model", &[]),
    ("runtime", &[]),
];

/// What everything may import.
const LEAVES: &[&str] = &[
    "clock",
    "encrypt",
    "exit",
    "fault",
    "fs",
    "problem",
    "process",
    "resources",
    "retry",
    "secret",
    "signals",
    "sys",
    "text",
    "timing",
    "worker",
];

/// A module of the program by its path: `["auth", "store"]`; the root is the empty one.
type Module = Vec<String>;

/// The modules of a source tree without those of tests, each with the modules that its `use` lines name.
fn imports(src: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut texts = BTreeMap::new();
    read(src, &Module::new(), &mut texts);
    let known: BTreeSet<Module> = texts.keys().cloned().collect();
    let named = |(module, text): (&Module, &String)| {
        let mut named = BTreeSet::new();
        for path in used(text) {
            named.extend(resolve(&path, module, &known).filter(|named| named != module));
        }
        (module.clone(), named)
    };
    texts.iter().map(named).collect()
}

fn read(folder: &Path, within: &[String], texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut module = within.to_vec();
        if name == "tests" || name == "testing" {
            continue;
        }
        if path.is_dir() {
            module.push(name);
            read(&path, &module, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_root = within.is_empty() && name == "lib";
            if name != "mod" && !is_root {
                module.push(name);
            }
            texts.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The paths that the `use` items of a file name, up to its tests.
fn used(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap()).collect();
    let mut paths = Vec::new();
    for item in code.split(';') {
        let Some(at) = item.rfind("use ") else { continue };
        let before = item[..at].trim_end();
        let starts_an_item =
            before.is_empty() || before.ends_with(['}', ']', ')']) || before.ends_with("pub");
        if starts_an_item {
            expand(Vec::new(), item[at + 4..].trim(), &mut paths);
        }
    }
    paths
}

/// Takes `a::{b, c::d}` apart.
fn expand(mut before: Vec<String>, tree: &str, paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = tree.split_once('{').map_or((tree, None), |(h, g)| (h, Some(g)));
    let segments = head.split("::").map(|part| part.split(" as ").next().unwrap().trim());
    before.extend(segments.filter(|part| !part.is_empty()).map(str::to_owned));
    let Some(group) = group else { return paths.push(before) };
    let inner = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (at, char) in inner.char_indices().chain([(inner.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    expand(before.clone(), &inner[start..at], paths);
                }
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
}

/// The module in which what a path names is defined, if it is one of the program's.
fn resolve(path: &[String], within: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let mut rest = path;
    let mut full = match rest.first()?.as_str() {
        "crate" => {
            rest = &rest[1..];
            // A crate of this workspace, under a name of the root.
            if rest.first().is_some_and(|name| name == "secret") {
                return None;
            }
            Module::new()
        }
        "self" => {
            rest = &rest[1..];
            within.clone()
        }
        "super" => {
            let mut outer = within.clone();
            while rest.first().is_some_and(|name| name == "super") {
                outer.pop();
                rest = &rest[1..];
            }
            outer
        }
        child => {
            let mut inner = within.clone();
            inner.push(child.to_owned());
            known.contains(&inner).then(|| within.clone())?
        }
    };
    full.extend(rest.iter().cloned());
    while !known.contains(&full) {
        full.pop()?;
    }
    Some(full)
}

fn top(module: &Module) -> &str {
    module.first().map_or("lib", String::as_str)
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "lib".to_owned() } else { module.join("/") }
}

/// The modules on cycles of the given arrows, and between them.
fn cycle(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut left = arrows.clone();
    loop {
        // What imports none of the others, or is imported by none, is no part of a cycle.
        let imported: BTreeSet<Module> = left.values().flatten().cloned().collect();
        let apart: Vec<Module> = left
            .iter()
            .filter(|(module, named)| {
                !imported.contains(*module) || named.iter().all(|named| !left.contains_key(named))
            })
            .map(|(module, _)| module.clone())
            .collect();
        if apart.is_empty() {
            break;
        }
        for module in &apart {
            left.remove(module);
        }
    }
    (!left.is_empty()).then(|| left.into_keys().collect())
}

fn src() -> BTreeMap<Module, BTreeSet<Module>> {
    imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn no_arrow_points_up() {
    let mut wrong = Vec::new();
    for (module, named) in src() {
        let from = top(&module);
        let may = ARROWS.iter().find(|(name, _)| *name == from).map(|(_, may)| *may);
        let may = may.or_else(|| LEAVES.contains(&from).then_some(&[][..]));
        let may = may.unwrap_or_else(|| panic!("say in ARROWS what `{from}` may import"));
        for named in named {
            let to = top(&named);
            if to != from && !LEAVES.contains(&to) && !may.contains(&to) {
                wrong.push(format!("{} imports {}", shown(&module), shown(&named)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_arrow_that_is_allowed_is_drawn() {
    let drawn: BTreeSet<(String, String)> = src()
        .into_iter()
        .flat_map(|(module, named)| {
            let from = top(&module).to_owned();
            named.into_iter().map(move |named| (from.clone(), top(&named).to_owned()))
        })
        .collect();
    let allowed = ARROWS.iter().filter(|(from, _)| !["main", "lib"].contains(from));
    let unused: Vec<_> = allowed
        .flat_map(|(from, to)| to.iter().map(move |to| ((*from).to_owned(), (*to).to_owned())))
        .filter(|arrow| !drawn.contains(arrow))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_arrows_that_are_allowed_make_no_cycle() {
    let module = |name: &&str| vec![(*name).to_owned()];
    let arrows = ARROWS.iter().map(|(from, to)| (module(from), to.iter().map(module).collect()));
    assert_eq!(cycle(&arrows.collect()), None);
}

#[test]
fn files_of_a_module_make_no_cycle() {
    let is_kin = |a: &Module, b: &Module| a.starts_with(b) || b.starts_with(a);
    let inner = src().into_iter().map(|(module, named)| {
        let other = |named: &Module| top(named) == top(&module) && !is_kin(named, &module);
        let named = named.into_iter().filter(other).collect();
        (module, named)
    });
    let cycle = cycle(&inner.collect()).map(|cycle| cycle.iter().map(shown).collect::<Vec<_>>());
    assert_eq!(cycle, None);
}

/// What asks for the files of this machine by name: the one that opens the store, and what is about files.
const ABOUT_FILES: &[&str] = &[
    "commands/at_rest",
    "commands/config",
    "commands/doctor/fix",
    "commands/doctor/machine",
    "commands/doctor/repair",
    "commands/doctor/tiktok",
    "commands/stores",
];

/// Whatever else works with a store would be of no use with another one.
#[test]
fn commands_know_no_store_but_as_any() {
    let local = vec!["store".to_owned(), "local".to_owned()];
    let knows: Vec<_> = src()
        .into_iter()
        .filter(|(module, named)| {
            top(module) == "commands" && named.iter().any(|named| named.starts_with(&local))
        })
        .map(|(module, _)| shown(&module))
        .collect();
    assert_eq!(knows, ABOUT_FILES);
}

/// The types with inherent `impl` blocks in a file that does not define them, tests apart.
fn impls_elsewhere(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let words = |line: &str| {
        line.split(|char: char| !(char.is_alphanumeric() || char == '_'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let defined: BTreeSet<String> = code
        .lines()
        .map(words)
        .flat_map(|words| {
            let mut pairs = words.windows(2).map(<[String]>::to_vec).collect::<Vec<_>>();
            pairs.retain(|pair| ["struct", "enum", "union", "trait"].contains(&pair[0].as_str()));
            pairs.into_iter().map(|pair| pair[1].clone())
        })
        .collect();
    let mut elsewhere = Vec::new();
    for (at, _) in code.match_indices("\nimpl") {
        let head = code[at + 5..].split(['{', ';']).next().unwrap().trim();
        let after = if head.starts_with('<') { after_generics(head) } else { head };
        let is_inherent = !format!(" {after} ").contains(" for ");
        let path = after.split(['<', ' ']).next().unwrap();
        let name = path.rsplit("::").next().unwrap();
        // `impl dyn Trait` lies with the trait.
        let name = if name == "dyn" { after[3..].trim().split(' ').next().unwrap() } else { name };
        if is_inherent && !defined.contains(name) {
            elsewhere.push(name);
        }
    }
    elsewhere
}

/// What follows `<…>` at the beginning of a text.
fn after_generics(text: &str) -> &str {
    let mut depth = 0;
    for (at, char) in text.char_indices() {
        match char {
            '<' => depth += 1,
            '>' if depth == 1 => return text[at + 1..].trim(),
            '>' => depth -= 1,
            _ => {}
        }
    }
    text
}

#[test]
fn the_methods_of_a_type_lie_in_its_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = ["tiktok-open", "tiktok-sandbox", "video-probe"]
        .map(|name| root.join("crates").join(name).join("src"));
    let mut wrong = Vec::new();
    for folder in crates.into_iter().chain([root.join("src")]) {
        let mut texts = BTreeMap::new();
        read(&folder, &[], &mut texts);
        // The contract of the store is tests throughout.
        texts.retain(|module, _| !module.starts_with(&["store".to_owned(), "contract".to_owned()]));
        assert!(texts.len() > 10, "nothing was read of {}", folder.display());
        for (module, text) in &texts {
            let elsewhere = impls_elsewhere(text).into_iter();
            wrong.extend(elsewhere.map(|name| format!("{}: impl {name}", shown(module))));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn impl_blocks_are_told_from_those_of_traits() {
    let text = "pub struct Here<T>(T);\n\nimpl<T: Into<u8>> Here<T> {\n}\n\nimpl super::There {\n}\n\n\
                impl<'a> Debug for There<'a> {\n}\n\npub(super) enum Kind {}\n\nimpl Kind {\n}\n\n\
                trait Open {}\n\nimpl dyn Open {\n}\n#[cfg(test)]\nmod tests {}\n\nimpl Late {\n}";
    assert_eq!(impls_elsewhere(text), ["There"]);
}

#[test]
fn use_lines_are_read_as_the_compiler_reads_them() {
    let text = "//! use crate::never;\nuse std::fmt;\npub use crate::a::{b, c::{d, e as f}};\n\
                use super::g::*;\n#[cfg(test)]\nmod tests {\n use crate::z;\n}";
    let paths: Vec<String> = used(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["std::fmt", "crate::a::b", "crate::a::c::d", "crate::a::c::e", "super::g::*"]
    );
    let module = |text: &str| text.split('/').map(str::to_owned).collect::<Module>();
    let known = ["a", "a/c", "x", "x/y"].map(module).into_iter().chain([Module::new()]).collect();
    let found = |path: &str| {
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        resolve(&path, &module("x/y"), &known).map(|module| shown(&module))
    };
    assert_eq!(found("crate::a::c::d").as_deref(), Some("a/c"));
    assert_eq!(found("super::g").as_deref(), Some("x"));
    assert_eq!(found("std::fmt"), None);
}
