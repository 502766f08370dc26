//! Who is signed in, and the links that sign somebody in. In memory only: a restart ends all sessions.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;
use tokio::sync::watch;
use tokio::time::Instant;

use super::visitor::{Role, Visitor};
use crate::secret::Secret;

/// A session without a request ends after this.
pub(super) const IDLE: Duration = Duration::from_hours(2);

/// A session ends after this, whatever happens.
pub(super) const ABSOLUTE: Duration = Duration::from_hours(12);

/// A link that was asked for is good for this.
pub(super) const LINK: Duration = Duration::from_mins(10);

/// How many sessions there are; one more, and the one that was not used for longest ends.
const SESSIONS: usize = 64;

/// How many links are good at a time, besides the first.
const LINKS: usize = 4;

/// 256 random bits as text.
fn random() -> Secret {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// Who a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever came by a link.
    Link,
    /// A user: their name, and which one of that name it was.
    User { name: String, id: String },
}

#[derive(Debug)]
struct Session {
    cookie: Secret,
    csrf: Secret,
    who: Who,
    role: Role,
    began: Instant,
    used: Instant,
    /// Gone with the session.
    lives: watch::Sender<()>,
}

impl Session {
    fn ends(&self) -> Instant {
        (self.began + ABSOLUTE).min(self.used + IDLE)
    }
}

#[derive(Debug)]
struct Link {
    token: Secret,
    /// `None`: when it is used.
    ends: Option<Instant>,
}

/// The session of a request.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) who: Who,
    pub(super) visitor: Visitor,
    /// Ends it.
    pub(super) cookie: Secret,
    /// When it ends at the latest.
    pub(super) latest: Instant,
    lives: watch::Receiver<()>,
}

impl Found {
    /// Waits until the session has ended.
    pub(super) async fn ended(mut self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.latest) => {}
            // Nothing is sent; it fails once the session is gone.
            () = async { while self.lives.changed().await.is_ok() {} } => {}
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    sessions: Vec<Session>,
    links: Vec<Link>,
}

impl Inner {
    fn clean(&mut self, now: Instant) {
        self.sessions.retain(|session| now < session.ends());
        self.links.retain(|link| link.ends.is_none_or(|ends| now < ends));
    }
}

/// All sessions and links.
#[derive(Debug)]
pub(super) struct Sessions {
    /// The cookie's name. Cookies know no ports, so each instance has one of its own.
    cookie: String,
    inner: Mutex<Inner>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let mut instance = [0_u8; 4];
        rand::fill(&mut instance);
        let mut cookie = "tiktok-up-".to_owned();
        for byte in instance {
            // A String takes everything.
            _ = write!(cookie, "{byte:02x}");
        }
        Self { cookie, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cookie_name(&self) -> &str {
        &self.cookie
    }

    /// A token that is good until it is used.
    pub(super) fn first_link(&self) -> Secret {
        let token = random();
        self.inner().links.push(Link { token: token.clone(), ends: None });
        token
    }

    /// A token that is good once, for ten minutes.
    pub(super) fn link(&self, now: Instant) -> Secret {
        let mut inner = self.inner();
        inner.clean(now);
        let is_fresh = |link: &Link| link.ends.is_some();
        if inner.links.iter().filter(|link| is_fresh(link)).count() >= LINKS
            && let Some(oldest) = inner.links.iter().position(is_fresh)
        {
            inner.links.remove(oldest);
        }
        let token = random();
        inner.links.push(Link { token: token.clone(), ends: Some(now + LINK) });
        token
    }

    /// Whether a token is good; it is not any longer.
    pub(super) fn redeem(&self, token: &Secret, now: Instant) -> bool {
        let mut inner = self.inner();
        inner.clean(now);
        // Every one is compared, each in constant time.
        let (used, left): (Vec<_>, Vec<_>) =
            inner.links.drain(..).partition(|link| link.token == *token);
        inner.links = left;
        !used.is_empty()
    }

    /// Begins a session and gives the value of its cookie.
    pub(super) fn begin(&self, who: Who, role: Role, now: Instant) -> Secret {
        let mut inner = self.inner();
        inner.clean(now);
        if inner.sessions.len() >= SESSIONS {
            let idlest = inner.sessions.iter().enumerate().min_by_key(|(_, session)| session.used);
            if let Some(at) = idlest.map(|(at, _)| at) {
                inner.sessions.remove(at);
            }
        }
        let cookie = random();
        inner.sessions.push(Session {
            cookie: cookie.clone(),
            csrf: random(),
            who,
            role,
            began: now,
            used: now,
            lives: watch::Sender::new(()),
        });
        cookie
    }

    /// The session that a request's cookies name. `is_use` is false for requests that nobody makes on purpose.
    pub(super) fn find(&self, headers: &HeaderMap, now: Instant, is_use: bool) -> Option<Found> {
        let mut inner = self.inner();
        inner.clean(now);
        // Another port's cookie of the same name may come before ours.
        let given: Vec<Secret> = self.cookies(headers).map(Secret::unlisted).collect();
        let is_given = |session: &&mut Session| given.contains(&session.cookie);
        let session = inner.sessions.iter_mut().find(is_given)?;
        if is_use {
            session.used = now;
        }
        let name = match &session.who {
            Who::Link => Visitor::LINK.to_owned(),
            Who::User { name, .. } => name.clone(),
        };
        Some(Found {
            who: session.who.clone(),
            visitor: Visitor { name, role: session.role, csrf: session.csrf.clone() },
            cookie: session.cookie.clone(),
            latest: session.began + ABSOLUTE,
            lives: session.lives.subscribe(),
        })
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &Secret) {
        self.inner().sessions.retain(|session| session.cookie != *cookie);
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        pairs.filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.cookie).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, cookies.parse().unwrap())])
    }

    fn of(sessions: &Sessions, cookie: &Secret) -> HeaderMap {
        headers(&format!("a=b; {}={}; c", sessions.cookie_name(), cookie.expose()))
    }

    fn is_in(sessions: &Sessions, cookie: &Secret, now: Instant) -> bool {
        sessions.find(&of(sessions, cookie), now, true).is_some()
    }

    #[test]
    fn a_link_is_good_once() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        for token in [sessions.first_link(), sessions.link(now)] {
            assert!(!sessions.redeem(&Secret::unlisted(&token.expose()[1..]), now));
            assert!(sessions.redeem(&token, now));
            assert!(!sessions.redeem(&token, now));
        }
        assert!(!sessions.redeem(&Secret::unlisted(""), now));
    }

    #[test]
    fn a_link_ends_and_the_first_one_does_not() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let first = sessions.first_link();
        let (early, late) = (sessions.link(now), sessions.link(now));
        assert!(sessions.redeem(&early, now + LINK - Duration::from_secs(1)));
        assert!(!sessions.redeem(&late, now + LINK));
        for _ in 0..20 {
            sessions.link(now);
        }
        assert!(sessions.redeem(&first, now + 100 * LINK));
    }

    #[test]
    fn few_links_are_good_at_a_time() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let tokens: Vec<_> = (0..=LINKS).map(|_| sessions.link(now)).collect();
        assert!(!sessions.redeem(&tokens[0], now));
        assert!(tokens[1..].iter().all(|token| sessions.redeem(token, now)));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_after_half_a_day_anyhow() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let idle = sessions.begin(Who::Link, Role::Owner, now);
        assert!(!is_in(&sessions, &idle, now + IDLE));
        let busy = sessions.begin(Who::Link, Role::Owner, now);
        let step = Duration::from_hours(1);
        assert!((1..12).all(|hour| is_in(&sessions, &busy, now + hour * step)));
        assert!(!is_in(&sessions, &busy, now + ABSOLUTE));
    }

    #[test]
    fn what_a_page_asks_by_itself_keeps_no_session() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let cookie = sessions.begin(Who::Link, Role::Owner, now);
        let headers = of(&sessions, &cookie);
        assert!(sessions.find(&headers, now + IDLE / 2, false).is_some());
        assert!(!is_in(&sessions, &cookie, now + IDLE));
    }

    #[test]
    fn the_cookie_of_another_instance_or_another_name_is_none() {
        let (sessions, other, now) = (Sessions::new(), Sessions::new(), Instant::now());
        assert_ne!(sessions.cookie_name(), other.cookie_name());
        let (own, foreign) =
            [&sessions, &other].map(|to| to.begin(Who::Link, Role::Owner, now)).into();
        let name = sessions.cookie_name();
        assert!(!is_in(&sessions, &foreign, now));
        assert!(sessions.find(&of(&other, &own), now, true).is_none());
        // One that another port has set before ours.
        let both = format!("{name}={}; {name}={}", foreign.expose(), own.expose());
        assert!(sessions.find(&headers(&both), now, true).is_some());
        assert!(sessions.find(&headers(&format!("{name}=")), now, true).is_none());
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_makes_room() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let second = Duration::from_secs(1);
        let cookies: Vec<_> =
            (0..SESSIONS).map(|_| sessions.begin(Who::Link, Role::Viewer, now)).collect();
        assert!(is_in(&sessions, &cookies[0], now + second));
        sessions.begin(Who::Link, Role::Viewer, now + second);
        assert!(is_in(&sessions, &cookies[0], now + second));
        assert!(!is_in(&sessions, &cookies[1], now + second));
        assert!(is_in(&sessions, &cookies[2], now + second));
    }

    #[tokio::test]
    async fn the_end_of_a_session_is_noticed() {
        let sessions = Sessions::new();
        let begin = || sessions.begin(Who::Link, Role::Owner, Instant::now());
        let found = |cookie| sessions.find(&of(&sessions, cookie), Instant::now(), true).unwrap();
        let cookie = begin();
        let ended = tokio::spawn(found(&cookie).ended());
        sessions.end(&cookie);
        ended.await.unwrap();
        let mut last = found(&begin());
        assert!(last.latest > Instant::now() + ABSOLUTE / 2);
        last.latest = Instant::now();
        last.ended().await;
    }
}
