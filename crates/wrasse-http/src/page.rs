//! The page, as it is in the program: nothing is built, nothing is fetched from
//! elsewhere.

use axum::http::{HeaderName, header};

type Asset = ([(HeaderName, &'static str); 2], &'static str);

/// It may run its own script and talk to its own service, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

fn asset(kind: &'static str, text: &'static str) -> Asset {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ],
        text,
    )
}

pub(crate) async fn html() -> Asset {
    asset("text/html; charset=utf-8", include_str!("page/page.html"))
}

pub(crate) async fn script() -> Asset {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    )
}

pub(crate) async fn style() -> Asset {
    asset("text/css; charset=utf-8", include_str!("page/page.css"))
}
