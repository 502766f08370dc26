use super::*;

const FILE: Transfer = Transfer::File { chunks: 3 };

fn walk(transfer: Transfer, events: &[Event]) -> Step {
    events
        .iter()
        .fold(to(Phase::InitIntent, Action::Init), |at, event| step(transfer, at.phase, *event))
}

#[test]
fn three_chunks_the_short_way() {
    use Event as E;
    let uploaded = [
        E::InitAccepted,
        E::ChunkStored { index: 0 },
        E::ChunkStored { index: 1 },
        E::Intend,
        E::AllStored { index: 2 },
    ];
    assert_eq!(walk(FILE, &uploaded[..3]).action, Action::Intend);
    assert_eq!(
        walk(FILE, &uploaded[..4]),
        to(Phase::FinalIntent { stored: 2 }, Action::Send { index: 2 })
    );
    assert_eq!(walk(FILE, &uploaded), to(Phase::Uploaded, Action::Ask));
}

#[test]
fn one_chunk_goes_from_init_to_the_final_intent() {
    let one = Transfer::File { chunks: 1 };
    assert_eq!(walk(one, &[Event::InitAccepted]).action, Action::Intend);
}

#[test]
fn a_lost_init_is_repeated_for_files_and_never_for_pulls() {
    assert_eq!(walk(FILE, &[Event::InitUnclear]), to(Phase::Lost, Action::Again));
    assert_eq!(walk(Transfer::Pull, &[Event::InitUnclear]), to(Phase::Unresolved, Action::Stop));
    assert_eq!(resume(FILE, Phase::InitIntent).action, Action::Again);
    assert_eq!(resume(Transfer::Pull, Phase::InitIntent).phase, Phase::Unresolved);
}

#[test]
fn nothing_but_proof_or_tiktoks_word_ends_a_final_intent() {
    let intent = Phase::FinalIntent { stored: 2 };
    for event in [
        Event::ChunkUnclear,
        Event::UrlGone,
        Event::UrlExpired,
        Event::FileReplaced,
        Event::FileChanged { handed_over: true },
        Event::Status(ReportedStatus::Processing { stored: None }),
    ] {
        assert_eq!(step(FILE, intent, event).phase, intent, "{event:?}");
    }
}

#[test]
fn a_lagging_status_does_not_make_a_published_post_doubtful() {
    let intent = Phase::FinalIntent { stored: 2 };
    let behind = step(FILE, intent, Event::Status(ReportedStatus::Processing { stored: Some(0) }));
    assert_eq!(behind, to(intent, Action::Send { index: 0 }));
    let resent = step(FILE, behind.phase, Event::ChunkStored { index: 0 });
    assert_eq!(resent, to(intent, Action::Send { index: 1 }));
    assert_eq!(
        step(FILE, resent.phase, Event::Status(ReportedStatus::Published)),
        to(Phase::Published, Action::Stop)
    );
}

#[test]
fn f41_what_tiktok_called_complete_too_early_is_never_started_over() {
    for chunks in [2, 3] {
        let file = Transfer::File { chunks };
        for index in 0..chunks - 1 {
            let early = step(file, Phase::Open { stored: index }, Event::AllStored { index }).phase;
            assert!(matches!(early, Phase::FinalIntent { .. }));
            for (event, after) in [
                (Event::ProvedIncomplete, Phase::Unresolved),
                (Event::Status(ReportedStatus::Published), Phase::Unresolved),
                (Event::Status(ReportedStatus::Inboxed), Phase::Unresolved),
                (Event::Status(ReportedStatus::IdUnknown), Phase::Unresolved),
                (Event::FileChanged { handed_over: false }, early),
                (Event::UrlGone, early),
                (Event::FileReplaced, early),
            ] {
                assert_eq!(step(file, early, event).phase, after, "{event:?}");
            }
            for stored in 0..=index {
                let elsewhere = Event::Status(ReportedStatus::Processing { stored: Some(stored) });
                assert_eq!(step(file, early, elsewhere), to(early, Action::Prove));
            }
            let all = Event::Status(ReportedStatus::Processing { stored: Some(chunks) });
            assert_eq!(step(file, early, all), to(early, Action::Ask));
            let next = Event::Status(ReportedStatus::Processing { stored: Some(index + 1) });
            assert_eq!(step(file, early, next).action, Action::Send { index: index + 1 });
        }
    }
}

#[test]
fn a_persons_word_never_leads_to_a_second_post() {
    let phases = [
        Phase::InitIntent,
        Phase::Open { stored: 1 },
        Phase::FinalIntent { stored: 2 },
        Phase::Uploaded,
        Phase::Rejected,
        Phase::Lost,
        Phase::Abandoned,
        Phase::Failed(Failed::Internal),
        Phase::Failed(Failed::Pull),
        Phase::Failed(Failed::AuthRemoved),
        Phase::Failed(Failed::Final),
        Phase::Published,
        Phase::Inboxed,
        Phase::Unresolved,
    ];
    for (transfer, phase) in [FILE, Transfer::Pull].into_iter().flat_map(|transfer| {
        phases.into_iter().map(Some).chain([None]).map(move |phase| (transfer, phase))
    }) {
        let posted = settle(transfer, phase, true);
        let already = phase == Some(Phase::Published);
        let published = if already { Settled::Already } else { Settled::As(Phase::Published) };
        assert_eq!(posted, published, "{phase:?}");
        let found = phase.map(|phase| resume(transfer, phase).phase);
        match settle(transfer, phase, false) {
            Settled::As(to) => {
                assert!(to.allows_another());
                let over = |phase: Phase| phase.is_over() && !phase.is_done();
                assert!(found.is_some_and(over), "{phase:?}");
            }
            Settled::Already => assert!(found.is_none_or(Phase::allows_another), "{phase:?}"),
            Settled::Refused => {
                let counts = |phase: Phase| !phase.is_over() || phase.is_done();
                assert!(found.is_some_and(counts), "{phase:?}");
            }
        }
    }
}
