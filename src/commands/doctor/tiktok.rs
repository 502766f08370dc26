//! What `doctor` asks TikTok: whether its hosts answer, what time it is there, whether it knows the apps, and what
//! the accounts may post. Nothing is spent for it: an access token that has ended is not renewed.

use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use tiktok_open::{Code, CreatorInfo, Error, Reached};

use super::machine::Logins;
use super::{Finding, Report};
use crate::auth::Account;
use crate::auth::due::SKEW_LIMIT;
use crate::commands::Context;
use crate::exit::Exit;
use crate::model::Mode;
use crate::output::moment;
use crate::settings::KnownApp;
use crate::source::blocking;
use crate::store::local::TokenFile;

/// How many accounts are asked for at once.
const AT_ONCE: usize = 8;

pub(super) async fn check(context: &Context, logins: &Logins, report: &mut Report<'_>) {
    let api = context.client.reach_api().await;
    let answers = api.is_ok();
    report.tell(host("api", api));
    // Chunks go to a host of their own.
    if context.settings.endpoints.is_tiktok() {
        report.tell(host("upload host", context.client.reach_upload_host().await));
    }
    if !answers {
        return;
    }
    report.tell(clock(context));
    for app in context.settings.apps.in_use() {
        report.tell_all(verify(context, app).await);
    }
    let asked = logins.accounts.iter().map(|account| ask(context, logins.store.as_ref(), account));
    let mut asked = stream::iter(asked).buffered(AT_ONCE);
    while let Some(finding) = asked.next().await {
        report.tell(finding);
    }
}

fn host(check: &'static str, reached: Result<Reached, Error>) -> Finding {
    let Reached { host, proxy, certificate_ends, .. } = match reached {
        Ok(reached) => reached,
        Err(error) => return Finding::of(check, &error),
    };
    let by = proxy.map(|proxy| format!(" through {proxy} ({})", proxy.variable));
    let ends = certificate_ends.map(|at| format!("; its certificate ends {}", moment(at)));
    let (by, ends) = (by.unwrap_or_default(), ends.unwrap_or_default());
    Finding::good(check, format!("{host} answers{by}{ends}"))
}

fn clock(context: &Context) -> Finding {
    let Some(skew) = context.client.clock_skew() else {
        return Finding::good("clock", "TikTok's answer does not tell the time");
    };
    let seconds = skew.abs().as_secs();
    let message = match () {
        () if skew.abs() <= SignedDuration::from_secs(1) => "it agrees with TikTok's".to_owned(),
        () if skew.is_positive() => format!("it is {seconds} s behind TikTok's"),
        () => format!("it is {seconds} s ahead of TikTok's"),
    };
    let finding = Finding::good("clock", message);
    if skew.abs() <= SKEW_LIMIT {
        return finding;
    }
    Finding { exit: Exit::Local, ..finding }
        .hint("set the clock, and let the system keep it (`timedatectl set-ntp true`)")
}

/// Whether client key and secret are right. That there is no secret to be had was found before.
async fn verify(context: &Context, app: &KnownApp) -> Option<Finding> {
    let label = app.label();
    let app = app.fetch(|_| ()).ok()?;
    Some(match context.client.verify_app(&app.credentials()).await {
        Ok(()) => {
            Finding::good("apps", format!("TikTok takes client key and secret of the app {label}"))
        }
        // Some apps may not have that grant, which has nothing to do with posting.
        Err(Error::Refused(refusal))
            if !refusal.may_pass() && refusal.code != Code::InvalidClient =>
        {
            let code = refusal.code;
            Finding::good(
                "apps",
                format!(
                    "TikTok gives the app {label} no token of its own ({code}); the next login or refresh shows \
                     whether client key and secret are right"
                ),
            )
        }
        Err(error) => Finding {
            message: format!("the app {label} could not be verified: {error}"),
            ..Finding::of("apps", &error)
        },
    })
}

/// Whether TikTok takes the token of an account, and what the account may post.
async fn ask(context: &Context, store: Option<&TokenFile>, account: &Account) -> Finding {
    const CHECK: &str = "account";
    let name = account.name();
    let not_asked = |why: &str| Finding::good(CHECK, format!("`{name}` was not asked for: {why}"));
    let Some(store) = store else {
        return not_asked("the key of the token store is not at hand");
    };
    if !account.is_usable(context.settings.clock.now()) {
        return not_asked("its access token has ended, and the next run renews it");
    }
    let (store, open_id) = (store.clone(), account.open_id.clone());
    let account = match blocking(move || store.login(&open_id)).await {
        Ok(account) => account,
        Err(error) => return Finding::bad(CHECK, &error),
    };
    let token = &account.access_token;
    let asked = if account.scopes.has(Mode::Direct.scope()) {
        context.client.creator_info(token).await.map(|info| may_post(&info))
    } else {
        let info = context.client.user_info(token).await;
        info.map(|_| "may leave drafts".to_owned())
    };
    match asked {
        Ok(what) => Finding::good(CHECK, format!("`{name}` {what}")),
        Err(error) => {
            Finding { message: format!("`{name}`: {error}"), ..Finding::of(CHECK, &error) }
        }
    }
}

fn may_post(info: &CreatorInfo) -> String {
    let levels = match info.privacy_level_options.as_slice() {
        [] => "with no privacy level".to_owned(),
        levels => format!("as {}", levels.join(", ")),
    };
    let longest = info.max_video_duration.map(|it| format!(", videos up to {} s", it.as_secs()));
    let off = [
        ("comments", info.comment_disabled),
        ("duets", info.duet_disabled),
        ("stitches", info.stitch_disabled),
    ];
    let off: Vec<_> = off.into_iter().filter(|(_, off)| *off).map(|(what, _)| what).collect();
    let off = if off.is_empty() { String::new() } else { format!(", without {}", off.join(", ")) };
    format!("may post {levels}{}{off}", longest.unwrap_or_default())
}
