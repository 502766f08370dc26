//! The secrets in the credentials of stores: made known wherever the crate `object_store` finds them, as a server may repeat
//! them and an error quote them.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::secret::Secret;

/// Variables of the environment that hold secrets.
const VARIABLES: [&str; 17] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AWS_SSE_CUSTOMER_KEY_BASE64",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_FABRIC_SESSION_TOKEN",
    "IDENTITY_HEADER",
];

/// Variables that name a file which is a token.
const TOKEN_FILES: [&str; 3] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// Variables that name a file with a secret in it.
const FILES: [&str; 3] =
    ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"];

/// What such a file lies as, in the home directory, where no variable names one.
const USUAL_FILE: &str = ".config/gcloud/application_default_credentials.json";

/// What answers and files call their secrets: in lower case, without underscores.
const NAMES: [&str; 8] = [
    "accesstoken",
    "clientsecret",
    "idtoken",
    "privatekey",
    "refreshtoken",
    "secretaccesskey",
    "sessiontoken",
    "token",
];

/// The most of a file that is read, in bytes.
const MOST: u64 = 64 << 10;

/// The secrets of this process's environment, and of the files that it names.
pub(super) fn of_environment() -> Vec<Secret> {
    let mut secrets = Vec::new();
    for text in VARIABLES.iter().filter_map(|name| env::var(name).ok()) {
        secrets.extend(within(&text));
        secrets.push(Secret::new(text));
    }
    let named = |name: &&str| env::var_os(name).map(PathBuf::from);
    for text in TOKEN_FILES.iter().filter_map(named).filter_map(|path| beginning(&path)) {
        secrets.push(Secret::new(text.trim()));
    }
    let usual = env::var_os("HOME").map(|home| PathBuf::from(home).join(USUAL_FILE));
    for text in FILES.iter().filter_map(named).chain(usual).filter_map(|path| beginning(&path)) {
        secrets.extend(within(&text));
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

fn beginning(path: &Path) -> Option<String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).ok()?;
    // A pipe would be empty for whoever reads it next.
    let is_file = file.metadata().ok()?.is_file();
    let mut text = String::new();
    if is_file {
        file.take(MOST).read_to_string(&mut text).ok()?;
    }
    Some(text)
}

/// What a text calls a secret: one of JSON or XML, or a signature of a query.
pub(super) fn within(text: &str) -> Vec<Secret> {
    let mut secrets = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        in_value(&value, &mut secrets);
    }
    for (before, rest) in text.match_indices('>').map(|(at, _)| (&text[..at], &text[at + 1..])) {
        let name = before.rsplit('<').next().unwrap_or_default();
        if is_secret(name)
            && let Some((value, _)) = rest.split_once('<')
        {
            secrets.push(Secret::new(value.trim()));
        }
    }
    for part in text.split(['?', '&']) {
        if let Some(signature) = part.strip_prefix("sig=") {
            secrets.push(Secret::new(signature));
        }
    }
    secrets
}

fn in_value(value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if is_secret(name) => {
                        secrets.push(Secret::new(text.as_str()));
                    }
                    value => in_value(value, secrets),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| in_value(value, secrets)),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.replace(['_', '-'], "").to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// A message without the values that it quotes: readers of JSON and XML repeat what they did not expect.
pub(super) fn without_values(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in message.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' if is_quoted => {
                is_quoted = false;
                out.push_str("…\"");
            }
            _ if is_quoted => {}
            c => {
                is_quoted = c == '"';
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use tiktok_open::secret::redact;

    use super::*;

    #[test]
    fn what_answers_and_files_call_a_secret_is_taken_out_of_any_text() {
        let json = r#"{"Code":"Success","SecretAccessKey":"canary-one","in":[{"private_key":"canary-two"}]}"#;
        let xml = "<A><SessionToken>canary-three</SessionToken><Role>a-long-role</Role></A>";
        let held = [within(json), within(xml), within("sv=1&sig=canary-four&se=2")].concat();
        let said = "canary-one, canary-two, canary-three, canary-four, a-long-role, Success";
        assert_eq!(held.len(), 4);
        assert_eq!(
            redact(said),
            "(redacted), (redacted), (redacted), (redacted), a-long-role, Success"
        );
    }

    #[test]
    fn a_message_keeps_its_words_and_not_what_it_quotes() {
        for (message, left) in [
            (
                r#"invalid type: string "a\"canary", expected a map"#,
                "invalid type: string \"…\", expected a map",
            ),
            ("missing field `client_email`", "missing field `client_email`"),
            (r#"cut "canary"#, "cut \""),
        ] {
            assert_eq!(without_values(message), left);
        }
    }
}
