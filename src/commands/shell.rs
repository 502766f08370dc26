//! What shells, pagers and editors are given: completions, manual pages, schemas.

use std::fs;
use std::io;
use std::path::Path;

use crate::cli::{self, CompletionsArgs, HelpArgs, ManArgs, Schema};
use crate::exit::Exit;
use crate::manifest;
use crate::output::{EVENTS_SCHEMA, Failure, Printer};
use crate::settings;

/// `help TOPIC`. The help of a command is printed where the command line is read.
pub(super) fn help(args: &HelpArgs, printer: &Printer) -> Exit {
    let pages = args.words.iter().filter_map(|word| cli::topic(word));
    pages.for_each(|page| printer.page(&page));
    Exit::Done
}

/// `completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs, printer: &Printer) -> Exit {
    printer.page(&cli::completions(args.shell));
    Exit::Done
}

/// `man`: the page of the program, or all pages into a folder.
pub(super) fn man(args: &ManArgs, printer: &Printer) -> Result<Exit, Failure> {
    let pages = cli::pages().map_err(Failure::unexpected)?;
    let Some(dir) = &args.dir else {
        let wanted = args.command.as_deref();
        let name = wanted.map_or_else(|| "tiktok-up".to_owned(), |it| format!("tiktok-up-{it}"));
        let page = pages.into_iter().find(|(page, _)| *page == name);
        let Some((_, page)) = page else {
            return Err(Failure::usage(format!(
                "there is no command `{}`",
                wanted.unwrap_or_default()
            ))
            .hint("`tiktok-up --help` lists them"));
        };
        printer.page(&page);
        return Ok(Exit::Done);
    };
    write_all(dir, &pages).map_err(|error| {
        let what = format!("cannot write the manual into {}", crate::text::quoted(dir));
        Failure { exit: Exit::Local, ..Failure::unexpected(error).context(what) }
    })?;
    Ok(Exit::Done)
}

fn write_all(dir: &Path, pages: &[(String, String)]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    pages.iter().try_for_each(|(name, page)| fs::write(dir.join(format!("{name}.1")), page))
}

/// `schema`: the JSON Schema of something.
pub(super) fn schema(what: Schema, printer: &Printer) -> Exit {
    match what {
        Schema::Manifest => printer.page(manifest::SCHEMA),
        Schema::Events => printer.page(EVENTS_SCHEMA),
        Schema::Config => printer.page(settings::SCHEMA),
    }
    Exit::Done
}
