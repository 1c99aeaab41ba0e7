//! How fast a server may be asked: a pace that finds the server's limit by what it answers. Pure:
//! the time is passed in, and nothing is sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Requests a second to begin with: what the portal allows one token, as far as it is known.
const FIRST: f64 = 20.0;
/// No slower than this, whatever the server says: then its patience is the question.
const SLOWEST: f64 = 0.5;
/// No faster: a portal that never says no is not ours to load.
const FASTEST: f64 = 50.0;
/// What each answer adds. At 20 requests a second the limit is felt for about every two seconds, so
/// that one that was raised is found, and little is lost to refusals.
const GROWTH: f64 = 0.02;
/// What a refusal makes of a pace that was near the limit,
const BACK: f64 = 0.95;
/// which is one below this many times what was let through: that is a count, and may be one off.
const FAR: f64 = 1.6;
/// What limits are counted over.
const SECOND: Duration = Duration::from_secs(1);

/// The pace of requests to one server.
#[derive(Debug)]
pub struct Pace {
    rate: f64,
    next: Instant,
    /// When requests were let through, over the last second.
    answered: VecDeque<Instant>,
    /// When the pace was last taken back: what was sent before it says nothing about it.
    slowed: Option<Instant>,
    /// When anything was let through last; at first, when it began.
    accepted: Instant,
}

impl Pace {
    /// From `now` on.
    pub fn new(now: Instant) -> Self {
        Self {
            rate: FIRST,
            next: now,
            answered: VecDeque::new(),
            slowed: None,
            accepted: now,
        }
    }

    /// When the next request may be sent.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Requests a second, at present.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// How long nothing has been let through.
    pub fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.accepted)
    }

    /// A request was sent. One that was a little late does not make the next late; what was missed
    /// while answers were slow is not made up for.
    pub fn sent(&mut self, now: Instant) {
        let step = self.step();
        self.next = self.next.max(now.checked_sub(step).unwrap_or(now)) + step;
    }

    /// The server let a request through.
    pub fn accepted(&mut self, now: Instant) {
        self.answered.push_back(now);
        self.accepted = now;
        self.forget(now);
        self.rate = (self.rate + GROWTH).min(FASTEST);
    }

    /// The server refused a request sent at `sent` because there were too many.
    pub fn refused(&mut self, sent: Instant, now: Instant) {
        if self.slowed.is_some_and(|slowed| sent < slowed) {
            return;
        }
        self.forget(now);
        #[expect(clippy::cast_precision_loss, reason = "a second's requests")]
        let let_through = self.answered.len() as f64;
        let (found, pause) = if let_through == 0.0 {
            // There is no telling: half as fast, until something is.
            (self.rate / 2.0, self.step())
        } else if self.rate > let_through * FAR {
            // This second's share is used up.
            (let_through, SECOND)
        } else {
            (self.rate * BACK, self.step())
        };
        self.rate = found.clamp(SLOWEST, FASTEST);
        self.slowed = Some(now);
        self.next = self.next.max(now + pause);
    }

    fn step(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }

    fn forget(&mut self, now: Instant) {
        while self
            .answered
            .front()
            .is_some_and(|at| now.duration_since(*at) >= SECOND)
        {
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that lets `limit` requests through in any second, asked for `time`: how many it let
    /// through, and how many it refused.
    fn asked(limit: usize, time: Duration) -> (usize, usize) {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        let mut window: VecDeque<Instant> = VecDeque::new();
        let (mut through, mut refused) = (0, 0);
        while pace.next() < begin + time {
            let now = pace.next();
            window.retain(|at| now.duration_since(*at) < SECOND);
            pace.sent(now);
            if window.len() < limit {
                window.push_back(now);
                pace.accepted(now);
                through += 1;
            } else {
                pace.refused(now, now);
                refused += 1;
            }
        }
        (through, refused)
    }

    #[test]
    fn the_limit_is_found_and_kept_to() {
        let time = Duration::from_secs(60);
        for limit in [5, 10, 20, 30] {
            let (through, refused) = asked(limit, time);
            let most = limit * 60;
            assert!(through * 20 >= most * 18, "{limit}: {through} of {most}");
            assert!(refused * 6 <= through, "{limit}: {refused} refused");
        }
        let (through, _) = asked(20, time);
        assert!(through * 20 >= 1200 * 19, "{through} of 1200");
    }

    #[test]
    fn a_server_that_lets_nothing_through_is_asked_ever_less() {
        let (through, refused) = asked(0, Duration::from_secs(20));
        assert_eq!(through, 0);
        assert!((5..=20).contains(&refused), "{refused}");
    }

    #[test]
    fn answers_to_an_older_pace_do_not_slow_it_again() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        for _ in 0..10 {
            pace.accepted(begin);
        }
        pace.refused(begin, begin + Duration::from_millis(10));
        let rate = pace.rate();
        pace.refused(begin, begin + Duration::from_millis(20));
        assert!((pace.rate() - rate).abs() < f64::EPSILON);
    }
}
