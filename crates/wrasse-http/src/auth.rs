//! Who may do what: roles, tokens, and browsers that were led astray.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use subtle::ConstantTimeEq as _;

use crate::problem::Problem;

/// What someone may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Look.
    Read,
    /// Submit, cancel, change.
    Operate,
}

/// The secrets that open the service. Without any, whoever reaches it may do
/// everything.
#[derive(Clone, Default)]
pub struct Tokens {
    /// Opens everything.
    pub operate: Option<String>,
    /// Opens what only looks.
    pub read: Option<String>,
}

impl Tokens {
    /// Whether none is needed.
    pub fn is_empty(&self) -> bool {
        self.operate.is_none() && self.read.is_none()
    }

    /// What the sender of a request may do.
    pub(crate) fn role(&self, headers: &HeaderMap) -> Option<Role> {
        if self.is_empty() {
            return Some(Role::Operate);
        }
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        // Both are compared, so that time tells nothing.
        let is = |secret: &Option<String>| {
            let secret = secret.as_deref().unwrap_or_default().as_bytes();
            bool::from(secret.ct_eq(token.trim().as_bytes())) && !secret.is_empty()
        };
        let (operates, reads) = (is(&self.operate), is(&self.read));
        match (operates, reads) {
            (true, _) => Some(Role::Operate),
            (_, true) => Some(Role::Read),
            _ => None,
        }
    }
}

/// Whether the sender of a request has a role.
pub(crate) fn check(tokens: &Tokens, headers: &HeaderMap, needed: Role) -> Result<(), Problem> {
    match tokens.role(headers) {
        Some(role) if role >= needed => Ok(()),
        Some(_) => Err(Problem::forbidden("this token may only read")),
        None => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "a token is needed: `Authorization: Bearer ...`",
        )
        .with_header(header::WWW_AUTHENTICATE, "Bearer")),
    }
}

/// Refuses what a page of another site has a browser send: a name that was
/// bound to this machine, or an origin that is not this service.
pub(crate) fn check_browser(
    method: &Method,
    headers: &HeaderMap,
    is_loopback: bool,
) -> Result<(), Problem> {
    let text = |name| {
        let value = headers.get(name);
        value.map(|value| value.to_str().unwrap_or("?"))
    };
    let host = text(header::HOST);
    if is_loopback && let Some(host) = host {
        let name = host.parse::<Authority>().map(|host| host.host().to_owned());
        let is_local = name.is_ok_and(|name| is_local(&name));
        if !is_local {
            return Err(Problem::bad(format!(
                "`{host}` is not a name of this machine's own"
            )));
        }
    }
    if method != Method::GET
        && method != Method::HEAD
        && let Some(origin) = text(header::ORIGIN)
    {
        let origin_host = origin.split_once("://").map(|(_, host)| host);
        if origin_host != host {
            return Err(Problem::forbidden(format!("`{origin}` is another site")));
        }
    }
    Ok(())
}

fn is_local(name: &str) -> bool {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_token_opens_what_it_is_for() {
        let tokens = Tokens {
            operate: Some("secret".into()),
            read: Some("look".into()),
        };
        let role = |value: &str| tokens.role(&headers(&[(header::AUTHORIZATION, value)]));
        assert_eq!(role("Bearer secret"), Some(Role::Operate));
        assert_eq!(role("bearer look"), Some(Role::Read));
        for bad in [
            "Bearer ",
            "Bearer secre",
            "Bearer secrets",
            "Basic secret",
            "secret",
            "Bearer",
        ] {
            assert_eq!(role(bad), None, "{bad}");
        }
        assert_eq!(tokens.role(&HeaderMap::new()), None);
        assert_eq!(
            Tokens::default().role(&HeaderMap::new()),
            Some(Role::Operate)
        );
        let only_read = Tokens {
            operate: None,
            read: Some("look".into()),
        };
        assert_eq!(
            only_read.role(&headers(&[(header::AUTHORIZATION, "Bearer ")])),
            None
        );
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let is_fine = |method: Method, host: &str, origin: Option<&str>| {
            let mut all = headers(&[(header::HOST, host)]);
            if let Some(origin) = origin {
                all.insert(header::ORIGIN, origin.parse().unwrap());
            }
            check_browser(&method, &all, true).is_ok()
        };
        assert!(is_fine(Method::GET, "127.0.0.1:80", None));
        assert!(is_fine(
            Method::POST,
            "localhost:80",
            Some("http://localhost:80")
        ));
        assert!(is_fine(Method::POST, "[::1]:80", None));
        assert!(!is_fine(Method::GET, "evil.example:80", None));
        assert!(!is_fine(
            Method::POST,
            "127.0.0.1:80",
            Some("http://evil.example")
        ));
        assert!(!is_fine(Method::POST, "127.0.0.1:80", Some("null")));
    }
}
