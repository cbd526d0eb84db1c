//! [`Rates`]: so many requests a second of each client. Pure: time is an
//! argument.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Clients that are remembered. One more, and those that have been quiet are
/// forgotten.
const CLIENTS_MAX: usize = 4_096;

/// How much each client may still ask.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: f64,
    clients: BTreeMap<IpAddr, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at_s: f64,
}

impl Rates {
    /// So many requests a second, and twice as many at once.
    pub(crate) fn new(per_second: f64) -> Self {
        Self {
            per_second,
            clients: BTreeMap::new(),
        }
    }

    /// Whether a client may ask at `now_s`, in seconds from anywhere.
    pub(crate) fn may(&mut self, client: IpAddr, now_s: f64) -> bool {
        let burst = (self.per_second * 2.0).max(1.0);
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(&client) {
            let full_after = burst / self.per_second;
            self.clients
                .retain(|_, bucket| now_s - bucket.at_s < full_after);
            if self.clients.len() >= CLIENTS_MAX {
                return false;
            }
        }
        let bucket = self.clients.entry(client).or_insert(Bucket {
            left: burst,
            at_s: now_s,
        });
        let gained = (now_s - bucket.at_s).max(0.0) * self.per_second;
        bucket.left = (bucket.left + gained).min(burst);
        bucket.at_s = now_s;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn each_client_has_its_own_rate() {
        let mut rates = Rates::new(10.0);
        let asked =
            |rates: &mut Rates, who, at| (0..100).filter(|_| rates.may(client(who), at)).count();
        assert_eq!(asked(&mut rates, 1, 0.0), 20);
        assert_eq!(asked(&mut rates, 1, 1.0), 10);
        assert_eq!(asked(&mut rates, 2, 1.0), 20);
        assert_eq!(asked(&mut rates, 1, 100.0), 20);
        assert_eq!(asked(&mut rates, 1, 50.0), 0);
    }

    #[test]
    fn clients_without_end_take_no_memory_without_end() {
        let mut rates = Rates::new(10.0);
        for n in 0..CLIENTS_MAX as u32 * 2 {
            rates.may(client(n), 0.0);
        }
        assert_eq!(rates.clients.len(), CLIENTS_MAX);
        assert!(rates.may(client(u32::MAX), 10.0));
    }
}
