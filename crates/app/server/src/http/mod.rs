//! What every request passes: limits, trace, security headers, and errors as problem documents.

mod extract;
mod middleware;
mod page;
mod problem;
mod reached;
mod serve;
mod tls;

pub(crate) use extract::json_body;
pub(crate) use extract::{BODY_LIMIT_BYTES, BodyLimit, Id, Json, Query, said};
pub(crate) use middleware::{Trace, layers, wrong_method};
pub(crate) use page::{Page, PageLimit, PageQuery, in_order, one_of};
pub(crate) use problem::{Fault, Problem};
pub(crate) use reached::Reached;
pub use serve::{serve, serve_on, serve_tls};
pub use tls::{Tls, TlsFiles, authorities};
