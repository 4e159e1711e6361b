//! Who is asking, and may they?
//!
//! [`authenticate`] stands before the whole API and finds out who asks; [`guarded`] stands at each route and names
//! the permission that it needs, so a route without a permission cannot be added by leaving something out: routes
//! are public only where they say [`public`].

mod guard;
mod principal;
mod throttle;

pub(crate) use guard::{Guard, public};
pub(crate) use principal::{
    Address, COOKIE, Principal, Standing, authenticate, cookie_token, identify, same_origin,
};
pub(crate) use throttle::Throttle;
