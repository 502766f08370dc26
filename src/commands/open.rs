//! `open`: a post or a profile in the browser.

use std::path::Path;

use serde_json::json;
use url::Url;

use crate::auth::browser;
use crate::cli::OpenArgs;
use crate::commands::accounts::{has_scope, with_token};
use crate::commands::status::parse_number;
use crate::commands::{Context, about, journal};
use crate::exit::Exit;
use crate::model::{Account, Mode, Phase, PostNumber, SourceKind, post_page, profile_page};
use crate::output::Failure;
use crate::text;

/// The scope that covers an account's handle.
const PROFILE: &str = "user.info.profile";

/// What is to be seen of an account.
enum Seen {
    Profile,
    Post(u64, SourceKind),
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &OpenArgs) -> Result<Exit, Failure> {
    let (name, seen) = match parse_number(&args.what) {
        Ok(number) if !is_account(context, &args.what).await? => post(context, number).await?,
        _ => (args.what.clone(), Seen::Profile),
    };
    let account = with_token(context, Some(&name)).await?;
    let handle = tokio::select! {
        biased;
        signal = context.shutdown.requested() => return Ok(signal.exit()),
        handle = handle(context, &account) => handle?,
    };
    let url = match seen {
        Seen::Profile => profile_page(&handle),
        Seen::Post(id, kind) => post_page(&handle, id, kind),
    };
    let url = url.ok_or_else(|| Failure::usage("TikTok did not say what the profile is called"))?;
    let opened = !args.no_browser && browser::is_likely() && browser::open(&url).await;
    report(context, &account, &url, opened);
    Ok(Exit::Done)
}

fn report(context: &Context, account: &Account, url: &Url, opened: bool) {
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({ "event": "open", "url": url.as_str(), "opened": opened });
        printer.json(&about(account, event));
    } else if opened {
        printer.talk(format!("opening {url}"));
    } else {
        printer.data(url.as_str());
    }
}

/// Whether an account is called like the number of a post.
async fn is_account(context: &Context, name: &str) -> Result<bool, Failure> {
    let store = context.store().await?;
    Ok(store.shared.accounts().all().await?.find(Some(name)).is_ok())
}

/// The account of a post, and the first of its public ids.
async fn post(context: &Context, number: PostNumber) -> Result<(String, Seen), Failure> {
    let Some((store, journal)) = journal::existing(context).await? else {
        return Err(Failure::usage(format!("there is no post {number}")));
    };
    let post = journal.post(number).await?;
    if let Some(&id) = post.last.as_ref().and_then(|last| last.post_ids.first()) {
        return Ok((post.account, Seen::Post(id, post.kind)));
    }
    let hint = match post.phase() {
        // It is not asked for again.
        Some(Phase::Published) => {
            let accounts = store.shared.accounts().all().await?;
            let name = accounts.get(&post.account).map_or(&*post.account, Account::name);
            format!(
                "what not everybody may see has none; `tiktok-up open {}` opens the profile",
                text::quoted(Path::new(name))
            )
        }
        Some(Phase::Inboxed) => "a draft has none before it is posted in the TikTok app".to_owned(),
        _ => format!("`tiktok-up status {number}` tells where it stands"),
    };
    Err(Failure::usage(format!("TikTok has named no page of post {number}")).hint(hint))
}

/// What TikTok calls the profile of an account.
async fn handle(context: &Context, account: &Account) -> Result<String, Failure> {
    let token = &account.access_token;
    if !account.scopes.has(PROFILE) && account.scopes.has(Mode::Direct.scope()) {
        return Ok(context.client.creator_info(token).await?.username);
    }
    has_scope(account, PROFILE)?;
    let profile = context.client.profile(token, &account.scopes).await?;
    Ok(profile.username.unwrap_or_default())
}
