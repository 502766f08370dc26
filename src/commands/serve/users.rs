//! The users of the console with passwords: added, removed, listed.

use std::path::Path;

use serde_json::json;

use crate::cli::{ServeAction, UserRole};
use crate::commands::Context;
use crate::commands::passphrase::{Asked, Passphrases};
use crate::console::access::{Role, Users};
use crate::exit::Exit;
use crate::output::{Failure, Table};
use crate::settings::Environment;
use crate::text;

impl From<UserRole> for Role {
    fn from(role: UserRole) -> Self {
        match role {
            UserRole::Viewer => Self::Viewer,
            UserRole::Editor => Self::Editor,
            UserRole::Owner => Self::Owner,
        }
    }
}

/// Runs what `serve` does besides serving. `console`: the directory of the console.
pub(super) async fn run(
    context: &Context,
    console: &Path,
    action: &ServeAction,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let users = Users::within(console);
    let printer = &context.printer;
    match action {
        ServeAction::AddUser { name, role, password } => {
            let mut asked = Passphrases::of_password(password, env, &context.shutdown)?;
            let password = match asked.new_one(&format!("the user {}", text::shown(name))).await? {
                Asked::Passphrase(password) => password,
                Asked::Stopped(signal) => return Ok(signal.exit()),
            };
            let (new, role) = (name.clone(), Role::from(*role));
            let added = context.to_its_end(move || users.add(&new, role, &password)).await?;
            added?;
            tell(context, "user_added", name, role);
        }
        ServeAction::RemoveUser { name } => {
            if !users.remove(name)? {
                return Err(Failure::usage(format!("there is no user `{}`", text::shown(name))));
            }
            if printer.is_json() {
                printer.json(&json!({ "event": "user_removed", "name": name }));
            } else {
                printer.note(format!("{} is removed", text::shown(name)));
            }
        }
        ServeAction::Users => {
            let all = users.list()?;
            if printer.is_json() {
                for user in all {
                    printer.json(
                        &json!({ "event": "user", "name": user.name, "role": user.role.name() }),
                    );
                }
            } else if all.is_empty() {
                printer.note("the console has no users with passwords");
            } else {
                let mut table = Table::new(&["NAME", "ROLE"]);
                for user in all {
                    table.row([user.name, user.role.name().to_owned()]);
                }
                printer.table(&table);
            }
        }
    }
    Ok(Exit::Done)
}

fn tell(context: &Context, event: &str, name: &str, role: Role) {
    let printer = &context.printer;
    if printer.is_json() {
        printer.json(&json!({ "event": event, "name": name, "role": role.name() }));
    } else {
        printer.note(format!(
            "{} may sign in to the console as {}",
            text::shown(name),
            role.name()
        ));
    }
}
