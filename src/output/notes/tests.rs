//! Tests of what runs leave for later ones.

use super::*;
use crate::model::{PostError, PostOutcome, PostState};
use crate::output::upload::testing::report;
use crate::problem::{ErrorCode, ErrorKind, Problem};

fn hours(hours: i64) -> Clock {
    Clock::shifted(SignedDuration::from_hours(hours))
}

#[test]
fn a_failure_is_told_once_and_another_one_again() {
    let dir = tempfile::tempdir().unwrap();
    let failed = |code: &str| Matter::recorded_failure("ana", PostNumber(7), code, Some("v"));
    let tell =
        |at, matter: &Matter| Notes::open(dir.path(), hours(at)).tell(matter) != Telling::NotNow;
    assert!(tell(0, &failed("spam")));
    for at in [0, 1, 24, 7 * 24, 700] {
        assert!(!tell(at, &failed("spam")), "{at}");
    }
    assert!(tell(701, &failed("duration")));
}

#[test]
fn what_lasts_is_told_each_week_and_anew_once_it_was_over() {
    let dir = tempfile::tempdir().unwrap();
    let notes = |at| Notes::open(dir.path(), hours(at));
    let login = Matter::login("ana");
    assert_eq!(notes(0).tell(&login), Telling::Now);
    assert_eq!(notes(7 * 24 - 1).tell(&login), Telling::NotNow);
    assert_eq!(notes(7 * 24 + 1).tell(&login), Telling::Now);
    notes(170).over(&[account_subject("ana")]);
    assert_eq!(notes(171).tell(&login), Telling::Now);
}

#[test]
fn what_passes_is_told_once_it_has_not_passed_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let tell = |at| Notes::open(dir.path(), hours(at)).tell(&Matter::passing("x"));
    assert_eq!(tell(0), Telling::NotNow);
    assert_eq!(tell(23), Telling::NotNow);
    assert!(matches!(tell(25), Telling::Since(since) if since < hours(1).now()));
    assert_eq!(tell(26), Telling::NotNow);
}

#[test]
fn what_begins_anew_for_all_goes_on_for_what_it_covers() {
    let dir = tempfile::tempdir().unwrap();
    let notes = |at| Notes::open(dir.path(), hours(at));
    let post = || Matter::passing("post");
    let tell = |at| notes(at).tell_widest_first(&[Matter::unreached(), post()]);
    for at in [0, 6, 12, 18] {
        assert_eq!(tell(at), Telling::NotNow, "{at}");
        notes(at).over(&[UNREACHED.to_owned()]);
    }
    assert!(matches!(tell(25), Telling::Since(since) if since < hours(1).now()));
    for at in [26, 50, 74, 98] {
        notes(at).over(&[UNREACHED.to_owned()]);
        assert_eq!(tell(at), Telling::NotNow, "{at}");
    }
}

#[test]
fn what_was_told_for_all_is_told_for_what_it_covers() {
    let dir = tempfile::tempdir().unwrap();
    let notes = |at| Notes::open(dir.path(), hours(at));
    let tell = |at| notes(at).tell_widest_first(&[Matter::unreached(), Matter::passing("post")]);
    assert_eq!(tell(0), Telling::NotNow);
    // By another command.
    assert!(matches!(notes(25).tell(&Matter::unreached()), Telling::Since(_)));
    for day in 1..8 {
        assert_eq!(tell(25 + (day - 1) * 24), Telling::NotNow, "{day}");
        notes(26 + day * 24).over(&[UNREACHED.to_owned()]);
    }
    assert!(matches!(tell(25 + 7 * 24), Telling::Since(since) if since < hours(1).now()));
}

#[test]
fn what_was_not_seen_for_days_has_passed_and_runs_that_are_further_apart_hear_of_it_later() {
    let dir = tempfile::tempdir().unwrap();
    let tell = |at| Notes::open(dir.path(), hours(at)).tell(&Matter::passing("x"));
    assert_eq!(tell(0), Telling::NotNow);
    assert_eq!(tell(3 * 24), Telling::NotNow);
    assert_eq!(tell(3 * 24 + 2), Telling::NotNow);
    assert!(matches!(tell(4 * 24 + 1), Telling::Since(since) if since > hours(71).now()));
    let weekly =
        |week: i64| Notes::open(dir.path(), hours(week * 7 * 24)).tell(&Matter::passing("weekly"));
    let told: Vec<_> = (0..3).map(weekly).collect();
    assert_eq!(told, [Telling::NotNow, Telling::NotNow, Telling::Now]);
    // Every day, and a little later each time.
    let daily = |day: i64| Notes::open(dir.path(), hours(day * 25)).tell(&Matter::passing("daily"));
    assert_eq!(daily(0), Telling::NotNow);
    assert!(matches!(daily(1), Telling::Since(_)));
}

#[test]
fn runs_that_write_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    std::thread::scope(|scope| {
        for run in 0..8 {
            scope.spawn(move || {
                for matter in 0..10 {
                    let notes = Notes::open(path, hours(0));
                    notes.tell(&Matter::login(&format!("{run} {matter}")));
                }
            });
        }
    });
    assert_eq!(read(&dir.path().join(NAME)).told.len(), 80);
    let mut names: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [NAME, LOCK]);
}

#[test]
fn a_file_of_a_later_form_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    Notes::open(dir.path(), hours(0)).tell(&Matter::login("ana"));
    let ours: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(ours["version"], 2);
    for later in [r#"{"version":3,"told":7}"#, r#"{"version":3,"told":{}}"#] {
        std::fs::write(&path, later).unwrap();
        let notes = Notes::open(dir.path(), hours(0));
        assert_eq!(notes.tell(&Matter::login("ana")), Telling::Now);
        assert_eq!(notes.tell(&Matter::login("ana")), Telling::NotNow);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), later);
    }
}

fn scheduled(video: &str, at: i64) -> Left {
    Left {
        account: "ana".into(),
        video: video.into(),
        id: None,
        mode: "direct".into(),
        publish_at: Some(hours(at).now()),
        post: None,
        file: None,
        why: None,
    }
}

fn put_off(video: &str, code: &str, since: i64) -> Left {
    let since = hours(since).now();
    let why = Why {
        code: code.into(),
        message: "it is so".into(),
        hint: None,
        not_before: None,
        since,
        seen: since,
        failed: false,
        deferred: false,
        needs: None,
    };
    Left { publish_at: None, why: Some(why), ..scheduled(video, 0) }
}

fn videos(dir: &Path, at: i64) -> Vec<String> {
    let remains = Notes::open(dir, hours(at)).remains();
    remains.posts.into_iter().map(|(_, post)| post.video).collect()
}

#[test]
fn a_manifest_replaces_what_was_known_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let videos = |at| videos(dir.path(), at);
    let notes = Notes::open(dir.path(), hours(0));
    notes.leave("one.json", vec![scheduled("late", 9), scheduled("soon", 2)], Vec::new());
    notes.leave("two.json", vec![scheduled("other", 5), put_off("now", "not_sent", 0)], Vec::new());
    assert_eq!(videos(0), ["now", "soon", "other", "late"]);
    notes.leave("one.json", vec![scheduled("late", 9)], Vec::new());
    assert_eq!(videos(0), ["now", "other", "late"]);
    // Neither manifest is there.
    assert_eq!(videos(31), ["late"]);
}

#[test]
fn what_a_manifest_left_is_listed_for_a_month_while_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("videos.json");
    std::fs::write(&path, "[]").unwrap();
    let notes = Notes::open(dir.path(), hours(0));
    notes.leave(path.to_str().unwrap(), vec![put_off("a.mp4", "not_sent", 0)], Vec::new());
    assert_eq!(videos(dir.path(), 29 * 24), ["a.mp4"]);
    assert_eq!(videos(dir.path(), 31 * 24), [""; 0]);
}

#[test]
fn a_run_that_comes_to_nothing_forgets_no_post_and_says_since_when() {
    let dir = tempfile::tempdir().unwrap();
    let notes = |at| Notes::open(dir.path(), hours(at));
    notes(0).leave("one.json", vec![put_off("a.mp4", "not_sent", 0)], Vec::new());
    let refused = |at: i64, what: &'static str| {
        notes(at).refused("one.json", &Failure::usage(what).hint("correct it"), None);
        notes(at).remains()
    };
    let first = refused(1, "2 problems\nline 1: a\nline 2: b");
    let again = refused(2, "2 problems\nline 1: a\nline 2: b");
    assert_eq!((first.posts.len(), again.posts.len()), (1, 1));
    let [(_, first)] = first.refused.as_slice() else { panic!("{first:?}") };
    let [(_, again)] = again.refused.as_slice() else { panic!("{again:?}") };
    assert_eq!((again.since, first.exit), (first.since, 2));
    assert!(again.seen > first.seen);
    assert_eq!(again.line(), "2 problems: line 1: a; …");
    let other = refused(3, "1 problem\nline 7: c");
    assert!(other.refused[0].1.since > again.since);
    assert_eq!(other.refused[0].1.line(), "1 problem: line 7: c");
    notes(4).leave("one.json", Vec::new(), Vec::new());
    assert_eq!(notes(4).remains(), Remains::default());
}

#[test]
fn a_run_that_was_locked_out_does_not_undo_what_the_other_one_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let notes = |at| Notes::open(dir.path(), hours(at));
    let busy = |video: &str| put_off(video, "account_busy", 1);
    let codes = || -> Vec<_> {
        let posts = notes(2).remains().posts.into_iter();
        posts.map(|(_, post)| (post.video, post.why.unwrap().code)).collect()
    };
    notes(1).leave("one.json", vec![put_off("a.mp4", "not_sent", 0)], Vec::new());
    notes(1).leave("one.json", Vec::new(), vec![busy("a.mp4"), busy("b.mp4")]);
    let told = [("a.mp4", "not_sent"), ("b.mp4", "account_busy")];
    assert_eq!(codes(), told.map(|(video, code)| (video.to_owned(), code.to_owned())));
    notes(2).leave("one.json", Vec::new(), Vec::new());
    assert_eq!(codes(), []);
}

#[test]
fn a_post_that_is_done_is_forgotten_at_once_and_the_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let notes = Notes::open(dir.path(), hours(0));
    let (a, b) = (put_off("a.mp4", "not_sent", 0), put_off("b.mp4", "not_sent", 0));
    notes.leave("one.json", vec![a.clone(), b.clone(), scheduled("c.mp4", 3)], Vec::new());
    notes.is_done("one.json", &Left { why: None, ..a });
    assert_eq!(videos(dir.path(), 0), ["b.mp4", "c.mp4"]);
    // Another post of the same file is another one.
    notes.is_done("one.json", &Left { id: Some("b.mp4".into()), ..b });
    assert_eq!(videos(dir.path(), 0), ["b.mp4", "c.mp4"]);
}

#[test]
fn the_first_form_of_the_file_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    let at = hours(5).now();
    let old = format!(
        r#"{{"version":1,"told":{{"{}":{{"what":"login","since":"{at}","last":"{at}"}}}},
            "scheduled":{{"one.json":[{{"account":"ana","video":"a.mp4","id":null,"mode":"direct",
            "publish_at":"{at}"}}]}}}}"#,
        key("account ana")
    );
    std::fs::write(&path, old).unwrap();
    let notes = Notes::open(dir.path(), hours(0));
    let remains = notes.remains();
    assert_eq!(
        remains.posts,
        [("one.json".to_owned(), Left { publish_at: Some(at), ..scheduled("a.mp4", 5) })]
    );
    assert_eq!(notes.tell(&Matter::login("ana")), Telling::NotNow);
    notes.tell(&Matter::login("bea"));
    let now: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((&now["version"], now.get("scheduled")), (&2.into(), None), "{now:#}");
    assert_eq!(Notes::open(dir.path(), hours(0)).remains(), remains);
}

#[test]
fn a_damaged_file_costs_a_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let notes = || Notes::open(dir.path(), hours(0));
    notes().tell(&Matter::login("ana"));
    std::fs::write(dir.path().join(NAME), "{").unwrap();
    assert_eq!(notes().tell(&Matter::login("ana")), Telling::Now);
    assert_eq!(notes().tell(&Matter::login("ana")), Telling::NotNow);
}

/// How a post ended that was not made for an error under this code, which says so of it.
fn ended(code: ErrorCode, problem: ErrorCode, kind: ErrorKind) -> PostOutcome {
    // What its hint may name.
    let names = [
        "account", "app", "how", "key", "mode", "path", "proxy", "said", "scope", "time", "url",
        "variable",
    ];
    let problem = names.into_iter().fold(Problem::new(problem), |it, name| it.with(name, name));
    PostOutcome {
        post_error: Some(PostError::new(code, "it is so", problem)),
        failure: Some(kind),
        ..report(PostState::Deferred)
    }
}

#[test]
fn what_a_cause_is_says_where_it_shows_that_it_is_gone() {
    use ErrorCode as E;
    use ErrorKind::{Final, Input, Local, Login, Temporary};
    for (code, problem, kind, needs) in [
        (E::LoginNeeded, E::LoginLost, Login, Some(Needs::Login)),
        (E::LoginNeeded, E::LoginExported, Login, Some(Needs::Login)),
        (E::ScopeNotGranted, E::ScopeNotGranted, Login, Some(Needs::Login)),
        // The token store says nothing of these.
        (E::LoginNeeded, E::RefreshUnread, Login, Some(Needs::Tokens)),
        (E::ScopeNotAuthorized, E::ScopeNotAuthorized, Login, Some(Needs::Tokens)),
        (E::TokenNotGiven, E::InvalidClient, Input, Some(Needs::Tokens)),
        (E::AppNotConfigured, E::AppNotConfigured, Input, Some(Needs::App)),
        (E::AppSecret, E::SecretFile, Input, Some(Needs::App)),
        (E::AppSecret, E::FileMode, Local, Some(Needs::App)),
        // Of the options and the environment of the run, and of the network.
        (E::OtherApp, E::OtherApp, Input, None),
        (E::OtherApi, E::OtherApi, Input, None),
        (E::TokenNotGiven, E::NotTrusted, Input, None),
        (E::TokenNotGiven, E::NotSent, Temporary, None),
        (E::Journal, E::DiskFull, Local, None),
        (E::Banned, E::Banned, Final, None),
    ] {
        let why = Why::of(&ended(code, problem, kind), None, hours(0).now()).unwrap();
        assert_eq!(why.needs, needs, "{code:?} {problem:?}");
    }
}

#[test]
fn since_belongs_to_the_cause_and_not_to_the_code_that_several_share() {
    use ErrorCode as E;
    let why = |problem, kind, before: Option<&Why>, at| {
        Why::of(&ended(E::TokenNotGiven, problem, kind), before, hours(at).now()).unwrap()
    };
    let first = why(E::InvalidClient, ErrorKind::Input, None, 0);
    let same = why(E::InvalidClient, ErrorKind::Input, Some(&first), 1);
    assert_eq!(same.since, first.since);
    let other = why(E::NotSent, ErrorKind::Temporary, Some(&same), 2);
    assert!(other.since > first.since && other.since == other.seen);
    // One login that is lost is the same from then on.
    let lost =
        Why::of(&ended(E::LoginNeeded, E::LoginLost, ErrorKind::Login), None, hours(0).now());
    let needed = ended(E::LoginNeeded, E::LoginNeeded, ErrorKind::Login);
    let needed = Why::of(&needed, lost.as_ref(), hours(1).now()).unwrap();
    assert_eq!(needed.since, lost.unwrap().since);
}
