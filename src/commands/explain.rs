//! `explain CODE`: what an error means and what to do about it.

use serde_json::json;

use crate::cli::ExplainArgs;
use crate::exit::Exit;
use crate::model::fields::nearest;
use crate::output::{Explanation, Failure, Printer, Table, explanations};

/// Runs the command.
pub(super) fn run(args: &ExplainArgs, printer: &Printer) -> Result<Exit, Failure> {
    let Some(code) = &args.code else {
        list(printer);
        return Ok(Exit::Done);
    };
    let found: Vec<_> = explanations().filter(|it| it.code == code.as_str()).collect();
    if found.is_empty() {
        let failure =
            Failure::usage(format!("no error has the code `{}`", crate::text::plain(code)));
        let known: Vec<_> = explanations().collect();
        let meant = nearest(code, known.iter().map(|it| (it.code, it.code)));
        return Err(failure.hint(match meant {
            Some(code) => format!("did you mean `{code}`? `tiktok-up explain` lists all codes"),
            None => "`tiktok-up explain` lists all codes".to_owned(),
        }));
    }
    for it in found {
        show(&it, printer);
    }
    Ok(Exit::Done)
}

fn list(printer: &Printer) {
    if printer.is_json() {
        explanations().for_each(|it| printer.json(&event(&it)));
        return;
    }
    let mut table = Table::new(&["CODE", "EXIT", "MEANING"]);
    for it in explanations() {
        table.row([it.code.to_owned(), it.exit.to_string(), it.meaning.to_owned()]);
    }
    printer.table(&table);
}

fn show(it: &Explanation, printer: &Printer) {
    if printer.is_json() {
        return printer.json(&event(it));
    }
    printer.data(format!("{}: {}", it.code, it.meaning));
    printer.data(format!("exit code: {}, unless something worse happens in the same run", it.exit));
    if let Some(hint) = &it.hint {
        printer.data(format!("what to do: {hint}"));
    }
}

fn event(it: &Explanation) -> serde_json::Value {
    json!({ "event": "code", "code": it.code, "exit": it.exit, "meaning": it.meaning, "hint": it.hint })
}
