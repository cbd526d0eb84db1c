//! The task scheduler over HTTP: DataMate's routes, a clean interface with its
//! description, a page, and a client; and who follows jobs of Ray, over HTTP too.
//!
//! Layer: 7.

mod api;
mod app;
mod auth;
mod body;
mod client;
mod datamate;
mod live;
mod metrics;
mod openapi;
mod page;
mod problem;
mod rate;
mod ray;
mod roots;
mod serve;
mod server;
mod submit;
mod view;

pub use app::Limits;
pub use auth::Tokens;
pub use client::{Client, Reply};
pub use openapi::document;
pub use ray::follow_ray_job;
pub use roots::Roots;
pub use serve::{Config, run};
